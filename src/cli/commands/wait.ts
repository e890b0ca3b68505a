import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { openRunClaims } from '../claim-ports.ts';
import { formatDuration, parseDuration } from '../../limits/duration.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { exitCodeOf, waitForEnd } from '../run-end.ts';

interface WaitOptions {
  readonly timeout?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name')
    .option('--timeout <time>', 'give up after this long (exit 1), such as 90s or 5m')
    .option('--json', 'print how it ended')
    .action(async (word: string, options: WaitOptions) => {
      const timeoutMs = options.timeout === undefined ? Infinity : parseTimeoutMs(options.timeout);
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent } = await findRun(runs, word);
      const outcome = await waitForEnd(intent.id, {
        runs,
        processes: await workplace.processes(),
        clock: workplace.clock,
        timeoutMs,
        claims: await openRunClaims(workplace, io),
      });
      if (outcome === null) {
        io.exitCode = 1;
        emit(io, options, { runId: intent.id, ended: false }, () => '');
        if (!options.json) io.err(`reeve: ${intent.id} goes on after ${formatDuration(timeoutMs)}\n`);
        return;
      }
      io.exitCode = exitCodeOf(outcome);
      const { exitCode, signal, endReason, error } = outcome;
      emit(io, options, { runId: intent.id, ended: true, exitCode, signal, endReason, error }, () => '');
    });
}

/** A number alone is seconds, as for timeout(1). */
function parseTimeoutMs(text: string): number {
  const ms = parseDuration(/^[\d.]+$/.test(text) ? `${text}s` : text);
  if (ms === null)
    throw new ReeveError('USAGE', `--timeout cannot be "${text}"`, {
      where: '--timeout',
      hint: 'a time such as 90s, 5m or 0, at most a year',
    });
  return ms;
}
