import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { OUTPUT_STREAMS, readDropped, runOutput } from '../../host/run-output.ts';
import { plain } from '../../plain.ts';
import { isTerminal, startedOf } from '../../runs/lifecycle.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { followOutput, readOutput } from '../../host/output-tail.ts';
import { waitForEnd } from '../run-end.ts';

interface LogsOptions {
  readonly follow?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name')
    .option('-f, --follow', 'go on until the run ends')
    .option('--json', 'print {runId, recorded, stdout, stderr, droppedBytes}')
    .action(async (word: string, options: LogsOptions) => {
      if (options.follow && options.json)
        throw new ReeveError('USAGE', '--json prints one object; it cannot follow', {
          hint: 'leave out one of the two',
        });
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent, current } = await findRun(runs, word);
      const output = runOutput(workplace.paths.runsDir, intent.id);
      const dropped = readDropped(output);
      const droppedBytes = { stdout: dropped.out.droppedBytes, stderr: dropped.err.droppedBytes };
      if (options.json) {
        const [stdout, stderr] = OUTPUT_STREAMS.map((stream) =>
          readOutput(output, stream, dropped[stream].start).toString(),
        );
        io.out(`${JSON.stringify({ runId: intent.id, recorded: intent.background, stdout, stderr, droppedBytes })}\n`);
        return;
      }
      if (!intent.background) {
        io.err(
          `reeve: ${intent.id} ran in the foreground: its output went where it belonged, and nothing was recorded\n`,
        );
        return;
      }
      if (startedOf(current) !== null && !existsSync(output.folder))
        io.err(`reeve: the output of ${intent.id} is gone: ${plain(output.folder)} was removed\n`);
      for (const [stream, bytes] of Object.entries(droppedBytes))
        if (bytes > 0)
          io.err(`reeve: the first ${bytes} bytes of ${stream} were dropped to keep it within its bound\n`);
      const follower = followOutput(output, dropped, {
        out: (bytes) => io.out(bytes),
        err: (bytes) => io.err(bytes),
      });
      try {
        if (!options.follow || isTerminal(current.state)) return;
        const processes = await workplace.processes();
        await waitForEnd(intent.id, { runs, processes, clock: workplace.clock, timeoutMs: Infinity });
      } finally {
        follower.finish();
      }
    });
}
