import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { claimsOfRuns } from '../../claims/release-run.ts';
import { openClaims } from '../claim-ports.ts';
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
    .option('--timeout <seconds>', 'give up after this long (exit 1)')
    .option('--json', 'print how it ended')
    .action(async (word: string, options: WaitOptions) => {
      const timeoutMs = options.timeout === undefined ? Infinity : parseSeconds(options.timeout);
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent } = await findRun(runs, word);
      const outcome = await waitForEnd(intent.id, {
        runs,
        processes: await workplace.processes(),
        clock: workplace.clock,
        timeoutMs,
        claims: claimsOfRuns(await openClaims(workplace)),
      });
      if (outcome === null) {
        io.exitCode = 1;
        emit(io, options, { runId: intent.id, ended: false }, () => '');
        if (!options.json) io.err(`reeve: ${intent.id} goes on after ${options.timeout ?? '0'} s\n`);
        return;
      }
      io.exitCode = exitCodeOf(outcome);
      const { exitCode, signal, endReason, error } = outcome;
      emit(io, options, { runId: intent.id, ended: true, exitCode, signal, endReason, error }, () => '');
    });
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= 0))
    throw new ReeveError('USAGE', `--timeout wants seconds, not "${text}"`, {
      where: '--timeout',
      hint: 'a number from 0 on, such as 60 or 0.5',
    });
  return seconds * 1_000;
}
