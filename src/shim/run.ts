import type { StdioOptions } from 'node:child_process';
import { CLAIM_VARIABLE } from '../claims/claim.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { stopTree } from '../processes/stop-tree.ts';
import { applyEvent } from '../runs/apply-event.ts';
import type { Identity } from '../processes/identity.ts';
import type { RunExit, RunRecord } from '../runs/record.ts';
import { treeSpecOf } from '../runs/tree-of-run.ts';
import { assertStillWanted, recordFailedStart, type AdmittedRun } from './admission.ts';
import { listenForCallOff } from './call-off.ts';
import type { holdDaemon as HoldDaemon } from './daemon-hold.ts';
import type { DaemonLink } from './daemon-link.ts';
import { pruneHistory } from './history.ts';
import type { Ending } from './ending.ts';
import { launch, type Launched } from './launch.ts';
import { complain } from './messages.ts';
import { startReaper, type Reaper } from './reaper.ts';
import type { RunRequest } from './request.ts';
import { EarlySignals, forwardSignal, handleSignals, type SignalPolicy } from './signals.ts';
import { RunInput } from './run-input.ts';
import { serveRun } from './run-socket.ts';
import { inheritStops } from './stop-heir.ts';
import { Supervisor } from './supervisor.ts';
import type { WarningVoice } from './warnings.ts';
import type { ShimWorkplace } from './workplace.ts';

/** How the command is tied to whoever started it. */
export interface RunMode {
  /** Called for each start of the command. @throws what kept a descriptor from being opened */
  readonly openStdio: () => OpenedStdio;
  /** True in the background: the command leads a session of its own. */
  readonly ownSession: boolean;
  readonly signals: SignalPolicy;
  /** Tells warnings of limits as they come; null or absent: nobody reads them before the end, or the terminal is the command's. */
  readonly warnings?: WarningVoice | null;
}

/** Descriptors for one start of the command. */
export interface OpenedStdio {
  readonly stdio: StdioOptions;
  /** Lets go of the shim's own copies. */
  close(): void;
}

/** How the command's own part of a run ended. */
export interface CommandEnd {
  /** Of its last attempt. */
  readonly exit: RunExit;
  readonly ending: Ending;
}

/** A run whose command was started, with everything that watches over it. */
export interface LiveRun {
  /** As recorded when it was started. */
  readonly record: RunRecord;
  /** The command's process; another one after a restart. */
  readonly leader: () => Identity;
  /**
   * Waits for the command to exit for good, and brings its run to an end, or to what is kept of it. To be called once.
   * @param afterAttempt called when a command has exited that will be started again
   */
  end(afterAttempt?: (exit: RunExit) => void): Promise<CommandEnd>;
  readonly supervisor: Supervisor;
  readonly daemon: DaemonLink | null;
  /** Ends the watching; the process may end then. */
  close(): Promise<void>;
}

/**
 * Starts the command of an admitted run below this process, which from then on adopts every orphan of it.
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, RUN_ENDED when it was stopped meanwhile, and what the store throws; nothing is running then
 */
export async function startRun(
  workplace: ShimWorkplace,
  admitted: AdmittedRun,
  request: RunRequest,
  mode: RunMode,
): Promise<LiveRun> {
  const { id, cookie } = admitted.record.intent;
  const { claim } = admitted;
  workplace.adoption?.become();
  // From here on a signal must not end this process alone: whatever it means is known once there is something to stop.
  const signals = new EarlySignals();
  const restoreSignals = handleSignals(mode.signals, signals);
  const callOff = request.restart === null ? null : listenForCallOff();
  const token = claim.token === null ? {} : { [CLAIM_VARIABLE]: String(claim.token) };
  const env = { ...workplace.env, ...request.env, [COOKIE_VARIABLE]: cookie, ...token };
  let launched: Launched;
  try {
    await assertStillWanted(workplace, id);
    launched = await launchCommand();
  } catch (error) {
    admitted.daemon?.client.close();
    await recordFailedStart(workplace, id, error);
    await claim.release();
    throw error;
  }
  const { started } = launched;
  let leader = started.identity;
  const reaper = startReaper(workplace.adoption, workplace.paths, () => leader.pid);
  const record = await recordStart(workplace, { admitted, launched, reaper, isFirst: true });
  workplace.events.record({ type: 'run.started', at: started.startedAt, runId: id, pid: leader.pid });

  const supervisor = new Supervisor(workplace, { record, reap: reaper.reap, claim });
  const stop = stopOnce(supervisor, request.graceMs);
  signals.deliverTo({
    stop: (signal) => void onSignal(supervisor, () => stop(`reeve got SIG${signal}`)),
    forward: (signal) => void onSignal(supervisor, () => forwardSignal(workplace.signaller, leader, signal)),
  });
  const disinherit = inheritStops({
    ...workplace,
    record: () => supervisor.record(),
    stop: (wish) => supervisor.stop(wish),
  });
  // Someone asked for the end between our last look and the spawn, and found nothing to end.
  if (record.current.state === 'stopping') stop(record.current.stop.message);

  const liftTimeLimit = await limitTime(request, supervisor);
  const daemon =
    admitted.daemon === null
      ? null
      : await holdDaemon(workplace, record, admitted.daemon, { stop, warnings: mode.warnings ?? null });
  const input = new RunInput(launched.child.stdin);
  const served = { runId: id, supervisor, input };
  const socket = workplace.recorded ? await serveRun(workplace, served) : null;
  return {
    record,
    leader: () => leader,
    supervisor,
    daemon,
    async end(afterAttempt = () => {}) {
      if (request.restart !== null && callOff !== null) {
        const { attendRestarts } = await import('./restarts.ts');
        return attendRestarts(workplace, {
          request,
          policy: request.restart,
          supervisor,
          daemon,
          first: launched,
          callOff,
          startAgain,
          afterAttempt,
        });
      }
      const exit = await launched.exit;
      return { exit, ending: await supervisor.finish(exit) };
    },
    async close() {
      disinherit();
      liftTimeLimit();
      daemon?.close();
      reaper.close();
      await socket?.close();
      await pruneHistory(workplace);
      await claim.close();
      restoreSignals();
    },
  };

  async function launchCommand(): Promise<Launched> {
    const { stdio, close } = mode.openStdio();
    try {
      return await launch(workplace, { ...request, env, stdio, ownSession: mode.ownSession });
    } finally {
      close();
    }
  }

  async function startAgain(): Promise<Launched> {
    const next = await launchCommand();
    leader = next.started.identity;
    const { current } = await recordStart(workplace, { admitted, launched: next, reaper, isFirst: false });
    input.connect(next.child.stdin);
    if (current.state === 'stopping') stop(current.stop.message);
    return next;
  }
}

/** A command that could not be recorded must not go on: nothing runs that no record names as running. */
async function recordStart(
  workplace: ShimWorkplace,
  start: {
    readonly admitted: AdmittedRun;
    readonly launched: Launched;
    readonly reaper: Reaper;
    readonly isFirst: boolean;
  },
): Promise<RunRecord> {
  const { record: read, claim } = start.admitted;
  const { started } = start.launched;
  const { reap } = start.reaper;
  const { store, clock, table, signaller, excluded: exclude } = workplace;
  try {
    const record = await applyEvent({ runs: store.runs, clock }, read.intent.id, { type: 'spawned', started });
    claim.attach(started);
    return record;
  } catch (error) {
    const spec = treeSpecOf(read);
    const ports = { table, signaller, clock, exclude, reap };
    const receipt = await stopTree(ports, { spec, reason: 'not-recorded', graceMs: 0 });
    // A run that may not start its next attempt just now goes on all the same.
    if (start.isFirst) await (receipt.provenEmpty ? claim.release() : claim.close());
    throw error;
  }
}

type Stop = (message: string | null) => void;

function stopOnce(supervisor: Supervisor, graceMs: number): Stop {
  return (message) => {
    supervisor.stop({ reason: 'stop', message, graceMs }).catch(reportFailedStop);
  };
}

function reportFailedStop(error: unknown): void {
  complain(`the stop failed: ${error instanceof Error ? error.message : String(error)}`);
}

/** A nested run's shim gets the signals of the outer run's stop like all others there: then there is nothing left for it to do about them. */
async function onSignal(supervisor: Supervisor, act: () => void): Promise<void> {
  try {
    if (!(await supervisor.endsWithParent())) act();
  } catch (error) {
    reportFailedStop(error);
  }
}

/** Loaded only for runs with a cap of time. */
async function limitTime({ caps: { maxMs }, graceMs }: RunRequest, supervisor: Supervisor): Promise<() => void> {
  if (maxMs === null) return () => {};
  const { startTimeLimit } = await import('./time-limit.ts');
  return startTimeLimit(supervisor, { maxMs, graceMs, onFailure: reportFailedStop });
}

/** Loaded only for runs with limits: the others would wait for it. */
async function holdDaemon(...args: Parameters<typeof HoldDaemon>): Promise<DaemonLink> {
  return (await import('./daemon-hold.ts')).holdDaemon(...args);
}
