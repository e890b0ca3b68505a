import { ReeveError } from '../errors.ts';
import type { Receipt, Survivor } from '../processes/receipt.ts';
import { VERIFY_MS, type StopPorts } from '../processes/stop-tree.ts';
import type { Member } from '../processes/tree.ts';
import type { TreeSpec } from '../processes/tree-spec.ts';
import { applyEvent } from '../runs/apply-event.ts';
import { closeRun } from '../runs/close-run.ts';
import type { RunEvent } from '../runs/run-event.ts';
import type { RunExit, RunRecord, StopRequested } from '../runs/record.ts';
import { stopRun } from '../runs/stop-run.ts';
import { retryStore } from '../runs/store-retry.ts';
import { sweepRun } from '../runs/sweep-run.ts';
import { treeSpecOf } from '../runs/tree-of-run.ts';
import type { Ending } from './ending.ts';
import { OwnStop, type StopWish } from './own-stop.ts';
import { waitUntilEmpty } from './tree-watch.ts';
import type { ShimWorkplace } from './workplace.ts';
import { claimsOfOthers, type RunClaim } from './worktree-claim.ts';

/** How long the shim of a background run waits for a store that cannot be written: a day is enough for somebody to find the full disk. */
const BACKGROUND_PATIENCE_MS = 24 * 3_600_000;
/** How much longer than grace and verification another executor may take before the shim acts itself: it may have been killed. */
const EXECUTOR_SLACK_MS = 30_000;

/**
 * The life of one run from its spawn to its last record, seen by its parent.
 *
 *   command runs ──exits by itself──► tree empty? ──yes──────────► completed | failed
 *        │                                └─no──► sweep | keep ──► completed | failed, lingering, or survivors
 *        └──stop, ours or another's──► command dead, tree empty ─► interrupted, or survivors
 *
 * A command that is started again begins anew at the top, when the tree of the attempt before is proven empty.
 */
export class Supervisor {
  readonly #workplace: ShimWorkplace;
  readonly #ports: StopPorts;
  readonly #claim: RunClaim;
  readonly #receipts: Receipt[] = [];
  readonly #stop = new OwnStop((wish) => this.#carryOut(wish));
  #record: RunRecord;
  /** A stop of ours that could not be put on record: it has to be before the end is, which else would be taken for a failure. */
  #unwritten: StopRequested | null = null;

  constructor(
    workplace: ShimWorkplace,
    options: { readonly record: RunRecord; readonly reap: () => void; readonly claim: RunClaim },
  ) {
    this.#workplace = workplace;
    this.#claim = options.claim;
    this.#record = options.record;
    const { table, signaller, clock, excluded: exclude } = workplace;
    this.#ports = { table, signaller, clock, exclude, reap: options.reap };
  }

  /** Settles when this process itself begins to stop the run. */
  get stopBegun(): Promise<void> {
    return this.#stop.begun;
  }

  /** The record as it is now. */
  async record(): Promise<RunRecord> {
    await this.#refresh();
    return this.#record;
  }

  /** True once anyone has asked for the end of the run. */
  async isStopping(): Promise<boolean> {
    if (this.#stop.last !== null) return true;
    await this.#refresh();
    return this.#record.current.state === 'stopping';
  }

  /** True while a stopped command is reeve's doing: its end is being brought about, or it is paused. */
  async isHeld(): Promise<boolean> {
    return (await this.isStopping()) || this.#record.current.state === 'paused';
  }

  /** Stops the run, verified. A stop that is under way is joined; one that left survivors, or failed, is tried again. */
  stop(wish: StopWish): Promise<Receipt> {
    return this.#stop.ask(wish);
  }

  /** True when the run that this one is nested in is being ended: whoever does it signals our processes, and us, with all the rest. */
  async endsWithParent(): Promise<boolean> {
    await this.#refresh();
    const { current } = this.#record;
    return current.state === 'stopping' && current.stop.reason === 'parent';
  }

  /**
   * After the command's exit: proves the tree empty, sweeping or keeping what was left behind, and ends the record.
   * @param error text for people, where the exit does not tell why this is the end
   */
  async finish(exit: RunExit, error: string | null = null): Promise<Ending> {
    const left = await this.#membersAfter(0);
    if (await this.isStopping()) return this.#close(exit, await this.#awaitStop());
    if (left.length === 0) return this.#close(exit, left, error);
    if (this.#record.intent.keepBackground) return this.#linger(exit);
    return this.#close(exit, await this.#sweep(this.#record.intent.graceMs), error);
  }

  /**
   * After the exit of a command that is to be started again: proves the tree empty, sweeping what was left behind, and records the
   * attempt. Null when nothing stands in the way of the next one; else how the run ended instead.
   */
  async finishAttempt(exit: RunExit, delayMs: number): Promise<Ending | null> {
    let left = await this.#membersAfter(0);
    if (await this.isStopping()) return this.#close(exit, await this.#awaitStop());
    if (left.length > 0) left = await this.#sweep(this.#record.intent.graceMs);
    if (left.length > 0) return this.#close(exit, left);
    try {
      await this.#apply({ type: 'attempt-ended', exit, delayMs, at: this.#workplace.clock.now() });
    } catch (error) {
      // Someone has stopped or interrupted it meanwhile: with what ran then it is over.
      if (!(error instanceof ReeveError && error.code === 'TRANSITION_ILLEGAL')) throw error;
      return this.#close(exit, left);
    }
    // They are in the store; a command that is restarted for months must not make its shim grow.
    this.#receipts.length = 0;
    return null;
  }

  /** After an end that left something alive: waits until that has ended by itself or was stopped, and ends the record. */
  async finishRest(exit: RunExit): Promise<Ending> {
    const left = await this.#membersAfter(Infinity);
    return this.#close(exit, (await this.isStopping()) ? await this.#awaitStop() : left);
  }

  async #carryOut(wish: StopWish): Promise<Receipt> {
    await this.#refresh();
    const { store, clock, self, events } = this.#workplace;
    const requestedAt = clock.now();
    const { receipt, record, unrecorded } = await stopRun(
      { ...this.#ports, runs: store.runs, self, announce: events.record, claims: claimsOfOthers(this.#workplace) },
      { ...wish, record: this.#record },
    );
    this.#record = record;
    const { reason, message } = wish;
    if (unrecorded !== null) this.#unwritten = { reason, message, requestedAt };
    this.#receipts.push(receipt);
    return receipt;
  }

  /** Waits for whoever stops the run; gives what lives on. */
  async #awaitStop(): Promise<readonly Member[]> {
    const own = this.#stop.last;
    if (own !== null) return this.#leftAfter(await own);
    const patienceMs = this.#record.intent.graceMs + VERIFY_MS + EXECUTOR_SLACK_MS;
    const left = await this.#membersAfter(patienceMs);
    return left.length === 0 ? left : this.#sweep(0);
  }

  async #sweep(graceMs: number): Promise<readonly Member[]> {
    const { runs } = this.#workplace.store;
    const { id } = this.#record.intent;
    const { record: announce } = this.#workplace.events;
    const ports = { ...this.#ports, runs, announce, claims: claimsOfOthers(this.#workplace) };
    const receipt = await sweepRun(ports, { id, spec: this.#spec(), graceMs });
    this.#receipts.push(receipt);
    announce({ type: 'run.swept', at: this.#workplace.clock.now(), runId: id, receipt });
    return this.#leftAfter(receipt);
  }

  async #leftAfter(receipt: Receipt): Promise<readonly Member[]> {
    return receipt.provenEmpty ? [] : this.#membersAfter(0);
  }

  async #linger(exit: RunExit): Promise<Ending> {
    if (!(await this.#keep(exit))) return this.#close(exit, await this.#awaitStop());
    return { record: this.#record, exit, receipts: this.#receipts, survivors: [] };
  }

  /** False: somebody has asked for the end of the run since it was last looked at. */
  async #keep(exit: RunExit): Promise<boolean> {
    try {
      await this.#apply({ type: 'kept', exit });
      return true;
    } catch (error) {
      const isIllegal = error instanceof ReeveError && error.code === 'TRANSITION_ILLEGAL';
      if (isIllegal && (await this.isStopping())) return false;
      throw error;
    }
  }

  /** @param left the living members; none is proof */
  async #close(exit: RunExit, left: readonly Member[], error: string | null = null): Promise<Ending> {
    if (left.length > 0) {
      if ((await this.isStopping()) || !(await this.#keep(exit))) await this.#apply({ type: 'exited', exit });
      const survivors = this.#survivorsAmong(left);
      this.#claim.outlive(survivors);
      return { record: this.#record, exit, receipts: this.#receipts, survivors };
    }
    const { store, clock, table, events } = this.#workplace;
    const ports = { runs: store.runs, clock, table, announce: events.record };
    const event = { type: 'emptied', exit, error } as const;
    const { id, background } = this.#record.intent;
    // Nobody waits for a background shim, and the end of its run is nowhere else.
    const patienceMs = background ? BACKGROUND_PATIENCE_MS : 0;
    const stop = this.#unwritten;
    const close = async (): Promise<RunRecord> => {
      if (stop !== null) await applyEvent(ports, id, { type: 'stop-requested', stop });
      return closeRun(ports, { id, event });
    };
    this.#record = await retryStore(clock, close, patienceMs);
    // Last of all: whoever claims the worktree next finds the tree empty and the record closed.
    await this.#claim.release();
    return { record: this.#record, exit, receipts: this.#receipts, survivors: [] };
  }

  #spec(): TreeSpec {
    return treeSpecOf(this.#record, { exclude: this.#workplace.excluded() });
  }

  #membersAfter(timeoutMs: number): Promise<readonly Member[]> {
    return waitUntilEmpty(this.#ports, () => this.#spec(), timeoutMs);
  }

  /** The last receipt knows why each one lives. */
  #survivorsAmong(members: readonly Member[]): readonly Survivor[] {
    const known = this.#receipts.at(-1)?.survivors ?? [];
    return members.map(({ row: { pid, startTicks, comm } }) => {
      const found = known.find((survivor) => survivor.pid === pid && survivor.startTicks === startTicks);
      return found ?? { pid, startTicks, comm, why: 'came after the last signal' };
    });
  }

  async #refresh(): Promise<void> {
    this.#record = (await this.#workplace.store.runs.get(this.#record.intent.id)) ?? this.#record;
  }

  async #apply(event: RunEvent): Promise<void> {
    const { store, clock } = this.#workplace;
    this.#record = await retryStore(clock, () =>
      applyEvent({ runs: store.runs, clock }, this.#record.intent.id, event),
    );
  }
}
