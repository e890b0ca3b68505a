import { ReeveError } from '../errors.ts';
import { formatDuration } from '../limits/duration.ts';
import {
  afterAttempt,
  gaveUpText,
  NEW_SERIES,
  type RestartPolicy,
  type RestartSeries,
} from '../runs/restart-policy.ts';
import type { RunExit } from '../runs/record.ts';
import type { CallOff } from './call-off.ts';
import type { DaemonLink } from './daemon-link.ts';
import type { Launched } from './launch.ts';
import { complain, stderrIsTerminal } from './messages.ts';
import type { RunRequest } from './request.ts';
import { pauseBeforeRestart } from './restart-pause.ts';
import { whyNotRestarted } from './restart-permission.ts';
import type { CommandEnd } from './run.ts';
import type { Supervisor } from './supervisor.ts';
import type { ShimWorkplace } from './workplace.ts';

export interface RestartedRun {
  readonly request: RunRequest;
  readonly policy: RestartPolicy;
  readonly supervisor: Supervisor;
  readonly daemon: DaemonLink | null;
  /** The attempt that runs. */
  readonly first: Launched;
  /** Listened for since before the first attempt; closed when the run has ended. */
  readonly callOff: CallOff;
  /**
   * Starts the command once more, and records it.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE; TRANSITION_ILLEGAL when the run may not go on just now; nothing is running then
   */
  readonly startAgain: () => Promise<Launched>;
  /** Called between two attempts, when the tree of the first is proven empty. */
  readonly afterAttempt: (exit: RunExit) => void;
}

/** How an attempt ended, and how long it had lasted. */
interface AttemptEnd {
  readonly exit: RunExit;
  readonly ranMs: number;
}

/** What comes after a pause: an attempt, which may have failed to start, or the end, with what there is to say about it. */
type Next = { readonly attempt: Promise<AttemptEnd>; readonly pid: number | null } | { readonly why: string | null };

/**
 * Waits for the end of a command that is started again by policy: the attempts of one run, each of them after the tree of the one before
 * was proven empty.
 *
 *   runs ──exit──► policy ──restart──► tree empty ──► pause ──due──► allowed? ──yes──► runs
 *                    └─ done, give up ──┐              └─ stop ──┐       └─ locked out ──┐
 *                                       └────────────────────────┴───────────────────────┴──► end of the run
 */
export async function attendRestarts(workplace: ShimWorkplace, run: RestartedRun): Promise<CommandEnd> {
  const { clock, events } = workplace;
  const { policy, supervisor, request, callOff } = run;
  const { id: runId } = (await supervisor.record()).intent;
  let series: RestartSeries = NEW_SERIES;
  let attempt = endOf(run.first);
  try {
    for (let number = 1; ; number += 1) {
      const { exit, ranMs } = await attempt;
      const decision = (await callOff.wasCalled())
        ? ({ kind: 'done' } as const)
        : afterAttempt(policy, series, { exit, ranMs, random: Math.random() });
      if (decision.kind === 'done') return { exit, ending: await supervisor.finish(exit) };
      if (decision.kind === 'give-up') return await giveUp(exit, gaveUpText(decision.failures));
      const { delayMs } = decision;
      const ending = await supervisor.finishAttempt(exit, delayMs);
      if (ending !== null) return { exit, ending };
      series = decision.series;
      run.afterAttempt(exit);
      events.record({ type: 'run.restart-scheduled', at: clock.now(), runId, attempt: number, ...exit, delayMs });
      if (stderrIsTerminal())
        complain(`${request.command} ${exitText(exit)}; attempt ${number + 1} starts in ${formatDuration(delayMs)}`);
      const next = await nextAttempt(delayMs);
      if ('why' in next)
        return next.why === null ? { exit, ending: await supervisor.finish(exit) } : await giveUp(exit, next.why);
      attempt = next.attempt;
      if (next.pid !== null)
        events.record({ type: 'run.restarted', at: clock.now(), runId, attempt: number + 1, pid: next.pid });
    }
  } finally {
    callOff.close();
  }

  async function nextAttempt(delayMs: number): Promise<Next> {
    const dueAt = clock.monotonicMs() + delayMs;
    for (;;) {
      if ((await pauseBeforeRestart({ clock, supervisor, dueAt, calledOff: callOff.whenCalled })) === 'ended')
        return { why: null };
      const why = await whyNotRestarted(workplace, run);
      if (why !== null) return { why };
      // What was asked for while the daemon was being heard.
      if ((await supervisor.record()).current.state !== 'running' || (await callOff.wasCalled())) continue;
      try {
        const launched = await run.startAgain();
        return { attempt: endOf(launched), pid: launched.started.identity.pid };
      } catch (error) {
        if (!(error instanceof ReeveError)) throw error;
        if (error.code === 'TRANSITION_ILLEGAL') continue;
        if (error.code !== 'COMMAND_NOT_FOUND' && error.code !== 'COMMAND_NOT_EXECUTABLE') throw error;
        // It may be in the middle of an upgrade: an attempt like any other.
        return { attempt: Promise.resolve({ exit: { exitCode: error.exitCode, signal: null }, ranMs: 0 }), pid: null };
      }
    }
  }

  async function giveUp(exit: RunExit, message: string): Promise<CommandEnd> {
    events.record({ type: 'run.gave-up', at: clock.now(), runId, message });
    const ending = await supervisor.finish(exit, message);
    complain(`${request.name ?? request.command}: ${message}`);
    return { exit, ending };
  }

  async function endOf(launched: Launched): Promise<AttemptEnd> {
    const begunMs = clock.monotonicMs();
    const exit = await launched.exit;
    return { exit, ranMs: clock.monotonicMs() - begunMs };
  }
}

function exitText({ exitCode, signal }: RunExit): string {
  return signal === null ? `exited ${exitCode}` : `was ended by ${signal}`;
}
