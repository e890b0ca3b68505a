import type { Command } from 'commander';
import { resumeRun } from '../../runs/pause-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { eventsOf, forEachRun, renderThawed, thawedJson } from '../pause-runs.ts';
import { refusalError } from '../refusal.ts';
import { SCOPE_HELP } from '../select-runs.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', SCOPE_HELP)
    .option('--all', 'every paused run')
    .option('--json', 'print {runs}')
    .action(async (words: readonly string[], options: { readonly all?: boolean; readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const selection = { words, all: options.all ?? false, states: ['paused'] as const };
      const { done: outcomes, refused } = await forEachRun(workplace, selection, resumeRun);
      const events = eventsOf(workplace, io);
      for (const { record, pausedMs } of outcomes)
        events.record({ type: 'run.resumed', at: workplace.clock.now(), runId: record.intent.id, pausedMs });
      const failure = refusalError(refused, 'resumed');
      if (failure !== null && outcomes.length === 0) throw failure;
      emit(io, options, { runs: outcomes.map(thawedJson) }, () => outcomes.map(renderThawed).join(''));
      if (failure !== null) throw failure;
    });
}
