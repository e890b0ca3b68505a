import { ReeveError } from '../errors.ts';
import { stopTree, VERIFY_MS, type StopPorts } from '../processes/stop-tree.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { findMembers } from '../processes/tree.ts';
import { applyEvent } from './apply-event.ts';
import { isTerminal } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunExit, RunRecord, RunStarted } from './record.ts';
import type { RegisterRequest } from './registration.ts';
import type { Registry, RunHandle } from './registry.ts';
import type { RunClaims } from './run-claims.ts';
import { retryStore } from './store-retry.ts';
import { sweepRun } from './sweep-run.ts';
import { treeSpecOf } from './tree-of-run.ts';

/** A command as a child of this process. */
export interface LaunchedCommand {
  /** Who it is, read before its PID could pass to another. */
  readonly started: RunStarted;
  /** Settles in the same turn of the event loop in which the command was reaped. */
  readonly exit: Promise<RunExit>;
}

export interface SpawnPorts<Launched extends LaunchedCommand> extends StopPorts {
  readonly registry: Registry;
  readonly runs: RunStore;
  /** The worktrees of the runs inside it, and of those around it. Undefined: its record is of this process alone. */
  readonly claims?: RunClaims | undefined;
  /** Starts the command, with these variables in its environment. @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE; nothing is running then */
  readonly launch: (env: Readonly<Record<string, string>>) => Promise<Launched>;
}

/** A run whose command this process has started. */
export interface OwnedRun<Launched extends LaunchedCommand> {
  readonly handle: RunHandle;
  readonly launched: Launched;
  /** Its record when all of it is over: ended, unless something survived KILL. @throws what the store throws, when it could not be told */
  readonly ended: Promise<RunRecord>;
}

/** How often a record is looked at that somebody else is about to end, in milliseconds. */
const LOOK_MS = 20;
/** How much longer than grace and verification somebody else's stop may take: it may have died. */
const EXECUTOR_SLACK_MS = 30_000;

/**
 * Registers a command, starts it, and speaks for it to its end: the intent is on record before anything runs, the exit is told once, and
 * what the command leaves behind is swept.
 * @throws what `register` and `launch` throw, the latter with the run on record as failed; RUN_ENDED when it was stopped before it had
 *   started. Nothing is running then
 */
export async function spawnRun<Launched extends LaunchedCommand>(
  ports: SpawnPorts<Launched>,
  request: RegisterRequest,
): Promise<OwnedRun<Launched>> {
  const handle = await ports.registry.register(request);
  let launched: Launched;
  try {
    launched = await ports.launch(handle.env);
  } catch (error) {
    await recordFailure(handle, error);
    throw error;
  }
  const exit = launched.exit.then((how) => ({ ...how, seenTicks: ports.table.nowTicks?.() }));
  const record = await recordStart(ports, handle, launched.started);
  const ended = attend(ports, handle, exit);
  // Whoever waits is told; nobody has to wait.
  ended.catch(() => {});
  // Someone asked for the end between the intent and the start, and found nothing to end.
  if (record.current.state === 'stopping')
    await sweepRun(ports, { id: handle.id, spec: treeSpecOf(record), graceMs: record.intent.graceMs });
  return { handle, launched, ended };
}

async function recordFailure(handle: RunHandle, error: unknown): Promise<void> {
  const { exitCode } = error instanceof ReeveError ? error : { exitCode: 1 };
  await handle.complete({ exitCode, err: error instanceof Error ? error : String(error) });
}

/** A command that could not be recorded must not go on: nothing runs that no record names as running. */
async function recordStart(
  ports: SpawnPorts<LaunchedCommand>,
  handle: RunHandle,
  started: RunStarted,
): Promise<RunRecord> {
  const { runs, clock, table } = ports;
  const seenTicks = table.nowTicks?.();
  const seen = { ...started, ...(seenTicks !== undefined && { seenTicks }) };
  try {
    return await applyEvent({ runs, clock }, handle.id, { type: 'spawned', started: seen });
  } catch (error) {
    const cookie = handle.env[COOKIE_VARIABLE] ?? null;
    const spec = { shim: null, roots: [started.identity], cookie, group: null, session: null, exclude: [] };
    await stopTree(ports, { spec, reason: 'not-recorded', graceMs: 0 });
    // The failure to record the start is what the caller has to hear of.
    await recordFailure(handle, error).catch(() => {});
    throw error;
  }
}

/** Waits for the exit, sees to what is left, and tells how it ended. */
async function attend(
  ports: SpawnPorts<LaunchedCommand>,
  handle: RunHandle,
  exited: Promise<RunExit & { readonly seenTicks: number | undefined }>,
): Promise<RunRecord> {
  const { runs, clock, table } = ports;
  const { seenTicks, ...exit } = await exited;
  const tell = (): Promise<RunRecord> => retryStore(clock, () => handle.complete(exit));
  const record = await retryStore(clock, () => runs.get(handle.id));
  // One that has ended is somebody else's account of it; one that is forgotten is nobody's.
  if (record === null || isTerminal(record.current.state)) return tell();
  if (record.current.state === 'stopping') return afterStop(ports, await tell());
  // Whoever was in its session when it was reaped has been in it since, and is the run's.
  const spec = { ...treeSpecOf(record), ...(seenTicks !== undefined && { seenTicks }) };
  if (findMembers(spec, table.list(), table).length === 0) return tell();
  if ((await sweepRun(ports, { id: handle.id, spec, graceMs: record.intent.graceMs })).provenEmpty) return tell();
  return retryStore(clock, () => applyEvent({ runs, clock }, handle.id, { type: 'kept', exit }));
}

/** Whoever stops it writes the end, with the exit that was told. */
async function afterStop({ runs, clock }: SpawnPorts<LaunchedCommand>, told: RunRecord): Promise<RunRecord> {
  const deadline = clock.monotonicMs() + told.intent.graceMs + VERIFY_MS + EXECUTOR_SLACK_MS;
  for (let record = told; ;) {
    if (isTerminal(record.current.state) || clock.monotonicMs() >= deadline) return record;
    await clock.sleep(LOOK_MS);
    record = (await runs.get(told.intent.id)) ?? record;
  }
}
