import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { SWEEP_REASON, type Receipt } from '../processes/receipt.ts';
import { VERIFY_MS } from '../processes/stop-tree.ts';
import { findMembers } from '../processes/tree.ts';
import { applyEvent } from './apply-event.ts';
import { isTerminal, nextState } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord, StopReason } from './record.ts';
import { treeSpecOf } from './tree-of-run.ts';

export interface ExecutorPorts {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly table: ProcessTable;
  /** This process. */
  readonly self: Identity;
  /** Processes that belong to no run. */
  readonly exclude?: () => readonly Identity[];
}

/**
 * Whether somebody who lives is carrying out a stop of this run. They alone tell of it, and nobody ends its record before they have: what
 * is told of a run comes in the order in which it happened.
 */
export function isCarriedOut({ current }: RunRecord, lives: (process: Identity) => boolean): boolean {
  return current.state === 'stopping' && current.executor !== undefined && lives(current.executor);
}

export interface TakenStop {
  readonly record: RunRecord;
  /** False: it has ended, or somebody else carries it out and tells of it. */
  readonly isOurs: boolean;
  /** True when nobody had asked for the end of the run before. */
  readonly isNews: boolean;
}

/** Puts a stop on record, and this process as the one that carries it out, unless somebody who is at work does so already. */
export async function takeStop(
  { runs, clock, table, self }: ExecutorPorts,
  request: { readonly record: RunRecord; readonly reason: StopReason; readonly message: string | null },
): Promise<TakenStop> {
  const { record, reason, message } = request;
  for (;;) {
    const read = (await runs.get(record.intent.id)) ?? record;
    const { state } = read.current;
    if (isTerminal(state) || isCarriedOut(read, (process) => isAtWork(process, table)))
      return { record: read, isOurs: false, isNews: false };
    const isNews = state !== 'stopping';
    const stop = { reason, message, requestedAt: clock.now() };
    const asked = { type: 'stop-requested', stop, executor: self } as const;
    const next = nextState(read.current, isNews ? asked : { type: 'stop-taken', executor: self });
    try {
      return { record: await runs.update(read, next, clock.now()), isOurs: true, isNews };
    } catch (error) {
      if (!(error instanceof ReeveError && (error.code === 'RUN_CONFLICT' || error.code === 'RUN_ENDED'))) throw error;
    }
  }
}

/** What came of a stop that somebody else carried out. */
export interface JoinedStop {
  readonly taken: TakenStop;
  /** Their proof that the tree is empty. Null: they have none, or did not come to an end. Then it is to be stopped from here. */
  readonly receipt: Receipt | null;
}

/** How often it is looked at what has become of another's stop. */
const JOIN_POLL_MS = 20;
/** How much longer than grace and verification another executor may take before whoever waits for it acts itself. */
const JOIN_SLACK_MS = 10_000;

/**
 * Leaves a stop to whoever carries it out, with no more grace than asked for here, and waits for what comes of it: signals of two would
 * make each one's receipt less than the truth. An executor that dies, is itself stopped, or has survivors leaves the rest to us.
 */
export async function joinStop(
  ports: ExecutorPorts,
  request: Parameters<typeof takeStop>[1] & { readonly graceMs: number },
): Promise<JoinedStop> {
  const { runs, clock, table } = ports;
  const { record, graceMs } = request;
  const { id } = record.intent;
  try {
    await applyEvent(ports, id, { type: 'stop-hurried', graceMs });
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'RUN_ENDED')) throw error;
  }
  const deadline = clock.monotonicMs() + graceMs + VERIFY_MS + JOIN_SLACK_MS;
  for (;;) {
    const read = (await runs.get(id)) ?? record;
    const isTheirs = isCarriedOut(read, (executor) => isAtWork(executor, table));
    if (isTerminal(read.current.state) || !isTheirs || clock.monotonicMs() >= deadline) break;
    await clock.sleep(JOIN_POLL_MS);
  }
  // A sweep's is of an attempt that another followed.
  const receipt = (await runs.receipts(id)).findLast(({ reason }) => reason !== SWEEP_REASON);
  const read = (await runs.get(id)) ?? record;
  if (receipt?.provenEmpty !== true || hasMembers(ports, read))
    return { taken: await takeStop(ports, request), receipt: null };
  return { taken: { record: read, isOurs: false, isNews: false }, receipt };
}

/** What its shim was about to spawn when the end was asked for may have come after the other's last look. */
function hasMembers({ table, exclude }: ExecutorPorts, record: RunRecord): boolean {
  if (isTerminal(record.current.state)) return false;
  return findMembers(treeSpecOf(record, { exclude: exclude?.() ?? [] }), table.list(), table).length > 0;
}

/** A process that is stopped itself, by a Ctrl-Z say, carries nothing out. */
export function isAtWork(process: Identity, table: ProcessTable): boolean {
  return isAlive(process, table) && table.read(process.pid)?.state !== 'T';
}

/**
 * What there was to tell is told: whoever waited for that may end the record, but for somebody who took over while we were suspended. Gives the
 * record as it is then.
 */
export async function leaveStop(ports: ExecutorPorts, { record, isOurs }: TakenStop): Promise<RunRecord> {
  const { id } = record.intent;
  const read = (await ports.runs.get(id)) ?? record;
  if (!isOurs || read.current.state !== 'stopping') return read;
  try {
    return await applyEvent(ports, id, { type: 'stop-left', executor: ports.self });
  } catch (error) {
    if (!(error instanceof ReeveError && error.code === 'RUN_ENDED')) throw error;
    return (await ports.runs.get(id)) ?? record;
  }
}
