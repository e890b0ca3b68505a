import type { Event } from '../events.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { Receipt } from '../processes/receipt.ts';
import { stopTree, type StopPorts } from '../processes/stop-tree.ts';
import { joinStop, leaveStop, takeStop, type TakenStop } from './executor.ts';
import { exitEventOf } from './exit-event.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import { activeNestedRuns, announceToNested, completeNested } from './nested-runs.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord, StopReason } from './record.ts';
import { recordReceipt } from './record-receipt.ts';
import { keepForSurvivors, type RunClaims } from './run-claims.ts';
import { isShimAlive } from './shim-life.ts';
import { treeSpecOf } from './tree-of-run.ts';
import { assertVisible } from './visible.ts';
import { retryStore } from './store-retry.ts';
import { completeStopped, hasStartedSince } from './stop-completion.ts';
import { wakeHeir } from './wake-shim.ts';

export interface StopRunPorts extends StopPorts {
  readonly runs: RunStore;
  /** This process, which carries out the stop. */
  readonly self: Identity;
  /** Absent: nobody waits for a shim to give its worktree back, and that of a dead one is found stale by the next who wants it. */
  readonly claims?: RunClaims | undefined;
  /**
   * Has the run's shim carry out the stop when the store cannot be written: the shim keeps the reason until it can. Null: no shim answers.
   * Absent: the stop goes on from here, and its reason may be lost.
   */
  readonly handOver?: (request: StopRunRequest) => Promise<Receipt | null>;
  /** Told of the stop that begins, of its receipt, and of the end where it is we who write it: each once, however many stop the run. */
  readonly announce?: (event: StopEvent) => void;
}

/** What a stop tells of. */
export type StopEvent = Extract<Event, { type: 'run.stopping' | 'run.killed' | 'run.exited' }>;

export interface StopRunRequest {
  readonly record: RunRecord;
  readonly reason: StopReason;
  /** Text for people; stays on the record. */
  readonly message: string | null;
  /** Time between TERM and KILL in milliseconds. */
  readonly graceMs: number;
  /** Beside what is on record of those who have asked since: how long the grace may last from now on at most; null = as it is. */
  readonly graceLeftMs?: () => number | null;
  /** The caller, when it is inside the tree: signalled last, when its receipt is stored. */
  readonly last?: Identity;
  /** Called with that receipt while the caller still lives. */
  readonly beforeLast?: (receipt: Receipt) => Promise<void>;
}

export interface StoppedRun {
  readonly receipt: Receipt;
  /** As it is on record now: terminal when the tree is proven empty and its shim, or we for a dead shim, wrote so; else `stopping`. */
  readonly record: RunRecord;
  /** What kept the store from recording it; null when all of it is on record. The tree was stopped all the same. */
  readonly unrecorded: ReeveError | null;
}

/**
 * Stops a run. The order is the same whoever asks: write `stopping(reason)`, signal, verify, save the receipt, and only then the terminal
 * state, and last of all the release of its worktree: both are the shim's to write, and ours when it is dead. With survivors the run stays
 * `stopping`. Runs nested in it end with reason `parent`, each on its own record. Asked by two at once, one of them carries it out, with
 * the shorter grace, and both return its receipt; the first reason stays. A run that has ended is left alone, and its last receipt returned;
 * one that had died unseen was lost and not stopped, and its record is closed with that.
 * A store that cannot be written keeps no agent alive: the tree is stopped all the same.
 * @throws OWNERSHIP_UNPROVEN when the run lives in another PID namespace; RUN_NOT_FOUND
 */
export async function stopRun(ports: StopRunPorts, request: StopRunRequest): Promise<StoppedRun> {
  const stopped = await stopAsSeen(ports, request);
  const { record, receipt } = stopped;
  if (!receipt.provenEmpty || !hasStartedSince(request.record, record, ports.table)) return stopped;
  return stopRun(ports, { ...request, record });
}

async function stopAsSeen(ports: StopRunPorts, request: StopRunRequest): Promise<StoppedRun> {
  const { runs, clock, table } = ports;
  const { record, reason, message } = request;
  const { id: runId } = record.intent;
  const books = new Books();
  assertVisible(record, table.realm);
  const dead = await books.keep(() => closeDead(ports, record), null);
  if (dead !== null) return { receipt: nothingDone(reason), record: dead, unrecorded: null };
  const unwritten = { record, isOurs: true, isNews: record.current.state !== 'stopping' };
  let taken: TakenStop = await books.keep(() => takeStop(ports, request), unwritten);
  if (books.failure !== null) {
    // A suspended shim answers nobody.
    wakeHeir(ports, record);
    const receipt = (await ports.handOver?.(request)) ?? null;
    if (receipt !== null) return { receipt, record: await reread(ports, record), unrecorded: books.failure };
  }
  let theirs: Receipt | null = null;
  // A caller inside the tree has a receipt of its own to print before it is signalled.
  if (!taken.isOurs && request.last === undefined && !isTerminal(taken.record.current.state))
    ({ taken, receipt: theirs } = await books.keep(() => joinStop(ports, request), { taken, receipt: null }));
  if (theirs !== null)
    return {
      receipt: theirs,
      record: await books.keep(() => completeStopped(ports, taken), taken.record),
      unrecorded: books.failure,
    };
  if (isTerminal(taken.record.current.state))
    return { receipt: await lastReceipt(runs, runId, reason), record: taken.record, unrecorded: books.failure };
  if (taken.isOurs && books.failure === null) wakeHeir(ports, taken.record);
  if (taken.isNews) ports.announce?.({ type: 'run.stopping', at: clock.now(), runId, reason: message ?? reason });
  try {
    const receipt = await stopAndKeepBooks(ports, { ...request, record: taken.record }, books);
    // The disk was full then. It may have room now, and what the end was meant to be has to be on record before the end is.
    if (taken === unwritten && books.failure !== null)
      taken = await books.keep(() => retryStore(clock, () => takeLate(ports, request, receipt)), unwritten);
    if (taken.isOurs) ports.announce?.({ type: 'run.killed', at: clock.now(), runId, receipt });
    await books.keep(() => completeNested(ports, { parent: runId, receipt }), undefined);
    const end = () => (receipt.provenEmpty ? completeStopped(ports, taken) : leaveOpen(ports, taken, receipt));
    return { receipt, record: await books.keep(end, taken.record), unrecorded: books.failure };
  } catch (error) {
    await leaveStop(ports, taken).catch(() => {});
    throw error;
  }
}

async function stopAndKeepBooks(ports: StopRunPorts, request: StopRunRequest, books: Books): Promise<Receipt> {
  const { runs } = ports;
  const { record, reason, graceMs } = request;
  const { id } = record.intent;
  await books.keep(() => announceToNested(ports, id), undefined);
  const saved: Receipt[] = [];
  const save = (receipt: Receipt) => books.keep(() => recordReceipt(ports, id, receipt), undefined);
  const receipt = await stopTree(ports, {
    spec: treeSpecOf(record),
    reason,
    graceMs,
    graceLeftMs: async () => least(await graceLeftOf(runs, id), request.graceLeftMs?.() ?? null),
    ...(request.last === undefined ? {} : { last: request.last }),
    beforeLast: async (soFar) => {
      await save(soFar);
      saved.push(soFar);
      await request.beforeLast?.(soFar);
    },
  });
  // A caller that left by itself was not signalled: what was saved before is the whole receipt.
  if (!saved.some((earlier) => isSameProof(earlier, receipt))) await save(receipt);
  return receipt;
}

/** A store that cannot be read shortens nothing. */
async function graceLeftOf(runs: RunStore, id: RunId): Promise<number | null> {
  const current = (await runs.get(id).catch(() => null))?.current;
  return current?.state === 'stopping' ? (current.graceLeftMs ?? null) : null;
}

function least(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

async function takeLate(ports: StopRunPorts, request: StopRunRequest, receipt: Receipt): Promise<TakenStop> {
  const taken = await takeStop(ports, request);
  await recordReceipt(ports, request.record.intent.id, receipt);
  return taken;
}

/** True when two receipts differ in nothing but how long it took to be sure. */
function isSameProof(a: Receipt, b: Receipt): boolean {
  return JSON.stringify({ ...a, elapsedMs: 0 }) === JSON.stringify({ ...b, elapsedMs: 0 });
}

/** Keeps the books as long as the store lets it, and remembers the first reason why not. */
class Books {
  failure: ReeveError | null = null;

  async keep<T>(write: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ReeveError && error.code.startsWith('STORE_'))) throw error;
      this.failure ??= error;
      return otherwise;
    }
  }
}

async function lastReceipt(runs: RunStore, id: RunId, reason: string): Promise<Receipt> {
  return (await runs.receipts(id)).at(-1) ?? nothingDone(reason);
}

function nothingDone(reason: string): Receipt {
  return { reason, signalled: [], survivors: [], escalated: false, elapsedMs: 0, provenEmpty: true };
}

/**
 * Closes the record of a run that died before anybody asked for its end, and of those inside that died with it, as whoever looks for such runs
 * does; null when there is, or may be, something to stop, or somebody to tell its end. A stop that was cut short is carried on with: it has a
 * receipt to write.
 */
async function closeDead(ports: StopRunPorts, known: RunRecord): Promise<RunRecord | null> {
  const { runs, clock, table } = ports;
  const { intent, current } = await reread(ports, known);
  const leader = startedOf(current)?.identity;
  if (isTerminal(current.state) || current.state === 'stopping') return null;
  if (isShimAlive(intent.shim, table) || (leader !== undefined && isAlive(leader, table))) return null;
  // Loaded only here: the shim, which runs this too, lives.
  const { reconcile } = await import('./reconcile.ts');
  const inside = (await activeNestedRuns(runs, intent.id)).map((run) => run.intent.id);
  const options = { ids: [intent.id, ...inside], exclude: ports.exclude?.() ?? [], trustRegistrant: () => true };
  const seen = await reconcile({ runs, clock, table }, options);
  for (const { record } of seen.runs) {
    const end = isTerminal(record.current.state) ? exitEventOf(record) : null;
    if (end === null) continue;
    ports.announce?.(end);
    await ports.claims?.release(record);
  }
  const closed = seen.runs.find(({ record }) => record.intent.id === intent.id)?.record;
  return closed !== undefined && isTerminal(closed.current.state) ? closed : null;
}

/** With survivors nothing is over, and they hold the worktree. */
async function leaveOpen(ports: StopRunPorts, taken: TakenStop, { survivors }: Receipt): Promise<RunRecord> {
  await keepForSurvivors(ports, taken.record, survivors);
  return leaveStop(ports, taken);
}

async function reread({ runs }: { readonly runs: RunStore }, record: RunRecord): Promise<RunRecord> {
  return (await runs.get(record.intent.id)) ?? record;
}
