import { closeSync } from 'node:fs';
import { openRunOutput, runOutput } from '../host/run-output.ts';
import { punchHole } from '../linux/punch-hole.ts';
import { outcomeOf } from '../runs/lifecycle.ts';
import { admit } from './admission.ts';
import { OutputBound } from './output-bound.ts';
import type { RunRequest } from './request.ts';
import { startRun, type LiveRun, type OpenedStdio } from './run.ts';
import { report } from './report.ts';
import type { ShimWorkplace } from './workplace.ts';
import type { QueueManners } from './worktree-claim.ts';

export interface BackgroundRun {
  readonly live: LiveRun;
  /** What whoever starts the run must know of its limits. */
  readonly warning: string | null;
  /** Watches over the run to its end and closes the books. */
  readonly ended: Promise<void>;
}

/**
 * Runs a command in the background, with this process as its shim. The command writes straight into the files of its output, so
 * nothing of it is lost when the shim dies.
 * @throws whatever keeps the command from being started
 */
export async function startBackground(
  workplace: ShimWorkplace,
  request: RunRequest,
  queue: QueueManners,
): Promise<BackgroundRun> {
  const { paths, events, clock } = workplace;
  const admitted = await admit(workplace, request, { background: true, queue });
  const { id } = admitted.record.intent;
  const output = runOutput(paths.runsDir, id);
  const live = await startRun(workplace, admitted, request, {
    openStdio,
    ownSession: true,
    signals: 'background',
  });
  const bound = new OutputBound({
    output,
    punchHole,
    onFailure: (error) =>
      events.record({
        type: 'store.failed',
        at: clock.now(),
        code: 'OUTPUT',
        message: `${output.folder}: ${String(error)}`,
      }),
  });
  return { live, warning: admitted.daemon?.warning ?? null, ended: watch().catch(giveUp) };

  function openStdio(): OpenedStdio {
    const { out, err } = openRunOutput(output);
    return {
      stdio: [request.keepStdin ? 'pipe' : 'ignore', out, err],
      close() {
        closeSync(out);
        closeSync(err);
      },
    };
  }

  /** A store that cannot be written must not leave a shim that waits for ever for nothing. */
  async function giveUp(error: unknown): Promise<never> {
    await live.close();
    throw error;
  }

  async function watch(): Promise<void> {
    const { exit, ending: first } = await live.end();
    let ending = first;
    if (outcomeOf(ending.record.current) === null) ending = await live.supervisor.finishRest(exit);
    bound.close();
    await live.daemon?.settle();
    await report(workplace, request, { ending, voice: null });
    await live.close();
  }
}
