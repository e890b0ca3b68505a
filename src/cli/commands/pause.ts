import type { Command } from 'commander';
import { pauseRun } from '../../runs/pause-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { eventsOf, forEachRun, frozenJson, renderFrozen, PAUSABLE_STATES } from '../pause-runs.ts';
import { refusalError } from '../refusal.ts';
import { SCOPE_HELP } from '../select-runs.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', SCOPE_HELP)
    .option('--all', 'every run that is not being stopped')
    .option('--reason <text>', 'why, for the record')
    .option('--json', 'print {runs}')
    .action(async (words: readonly string[], options: PauseOptions) => {
      await using workplace = openWorkplace(io.env);
      const { done: outcomes, refused } = await forEachRun(
        workplace,
        { words, all: options.all ?? false, states: PAUSABLE_STATES },
        async (ports, request) => {
          const { record, report } = await pauseRun(ports, { ...request, message: options.reason ?? null });
          return { record, ...report };
        },
      );
      const events = eventsOf(workplace, io);
      for (const { record, frozen } of outcomes) {
        if (record.current.state !== 'paused') continue;
        const { message, requestedAt: at } = record.current.pause;
        events.record({ type: 'run.paused', at, runId: record.intent.id, message, frozen: frozen.length });
      }
      const failure = refusalError(refused, 'paused');
      if (failure !== null && outcomes.length === 0) throw failure;
      emit(io, options, { runs: outcomes.map(frozenJson) }, () => outcomes.map(renderFrozen).join(''));
      if (outcomes.some(({ record, unfrozen }) => unfrozen.length > 0 || record.current.state !== 'paused'))
        io.exitCode = 1;
      if (failure !== null) throw failure;
    });
}

interface PauseOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}
