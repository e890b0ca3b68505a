import type { Clock } from '../clock.ts';
import { identityKey } from './identity.ts';
import type { Identity } from './identity.ts';
import type { ProcessTable, Signaller } from './ports.ts';
import { hiddenSuspects } from './hidden.ts';
import type { Receipt } from './receipt.ts';
import { receiptOf } from './receipt-of.ts';
import { freezeTargets } from './freeze.ts';
import { isReachable, mayDie, Targets } from './targets.ts';
import type { Target } from './targets.ts';
import type { TreeSpec } from './tree-spec.ts';

/** How long KILL is verified by default, in milliseconds. */
export const VERIFY_MS = 2_000;

export interface StopPorts {
  readonly table: ProcessTable;
  readonly signaller: Signaller;
  readonly clock: Clock;
  /**
   * Processes that belong to no tree, like those of the spec, asked anew at each look: a daemon may be started from inside the tree while it
   * is being stopped.
   */
  readonly exclude?: () => readonly Identity[];
  /** Takes the zombies of the executor itself, when it is the subreaper of the tree. Called before each scan; must not wait. */
  readonly reap?: () => void;
}

export interface StopRequest {
  readonly spec: TreeSpec;
  /** Ends up in the receipt: `stop`, `budget-limit`, `sweep` … */
  readonly reason: string;
  /** How long the tree may take to end by itself after TERM, in milliseconds; 0 asks nobody. */
  readonly graceMs: number;
  /**
   * Asked again and again during the grace: how long it may last from now on at most, in milliseconds; null = as it is.
   * @defaultValue nobody shortens it
   */
  readonly graceLeftMs?: () => Promise<number | null>;
  /** How long after KILL a process may stay before it is called a survivor, in milliseconds. @defaultValue 2000 */
  readonly verifyMs?: number;
  /** The caller, when it is inside the tree: signalled last, when everything else is dead. */
  readonly last?: Identity;
  /**
   * Called before `last` is signalled, with the receipt of all the rest: to be stored, and reported to the caller while it lives.
   * The caller then has a moment to print it and leave.
   */
  readonly beforeLast?: (receipt: Receipt) => Promise<void>;
}

/** Deaths wake the executor at once; newcomers are looked for at these intervals, doubling from the first to the second. */
const FIRST_RESCAN_MS = 20;
const MAX_RESCAN_MS = 250;
/** A member that cannot be frozen could fork for ever; what it starts is then killed as found. */
const MAX_FREEZE_MS = 500;
/** Where each look starts programs. Whoever is killed before the tree is still leaves orphans that nothing adopts there. */
const MAX_SLOW_FREEZE_MS = 10_000;
/** Two scans, because a scan is not one instant. */
const PROOF_SCANS = 2;
/** How long the caller inside the tree may take to print its receipt and leave. */
const CALLER_LEAVE_MS = 1_000;

/**
 * Ends a tree and proves it: grace, freeze, kill, verify (see `Phase` in kill-plan.ts). Every stop of reeve, whoever asked for it, is this
 * function. Expected failures are in the receipt: it never throws because a process would not die.
 */
export async function stopTree(ports: StopPorts, request: StopRequest): Promise<Receipt> {
  const stop = new Stop(ports, request);
  try {
    return await stop.run();
  } finally {
    stop.close();
  }
}

class Stop {
  readonly #ports: StopPorts;
  readonly #request: StopRequest;
  readonly #targets: Targets;
  readonly #startedAt: number;
  /** The caller inside the tree, for as long as it is spared. */
  #last: Identity | null;

  constructor(ports: StopPorts, request: StopRequest) {
    this.#ports = ports;
    this.#request = request;
    this.#targets = new Targets(ports, request.spec);
    this.#startedAt = ports.clock.monotonicMs();
    this.#last = request.last ?? null;
  }

  async run(): Promise<Receipt> {
    let empty = await this.#end();
    const caller = this.#last;
    this.#last = null;
    if (caller !== null && this.#targets.living(null).some(({ row }) => identityKey(row) === identityKey(caller))) {
      await this.#request.beforeLast?.(this.#receipt(empty, caller));
      await this.#watch(this.#ports.clock.monotonicMs() + CALLER_LEAVE_MS);
      empty = await this.#end();
    }
    return this.#receipt(empty, null);
  }

  close(): void {
    this.#targets.close();
  }

  async #end(): Promise<boolean> {
    const { graceMs } = this.#request;
    if (graceMs > 0 && (await this.#grace(this.#now() + graceMs))) return true;
    const isSlow = this.#ports.table.startsPrograms === true;
    await this.#freeze(this.#now() + (isSlow ? MAX_SLOW_FREEZE_MS : MAX_FREEZE_MS));
    return this.#kill();
  }

  /** True when the tree ended by itself, which two scans have shown. */
  async #grace(latest: number): Promise<boolean> {
    let deadline = latest;
    let rescanMs = FIRST_RESCAN_MS;
    for (let empty = 0; empty < PROOF_SCANS;) {
      const newcomers = this.#targets.scan();
      const living = this.#living();
      if (living.length === 0) {
        empty = newcomers === 0 ? empty + 1 : 0;
        if (empty === 0 && this.#now() >= deadline) return false;
        continue;
      }
      empty = 0;
      this.#targets.signal('grace', living);
      deadline = await this.#shortened(deadline);
      // Whoever is out of reach has not been asked: nothing is gained by waiting the grace out for it.
      if (this.#now() >= deadline || !living.some(isReachable)) return false;
      await this.#watch(Math.min(deadline, this.#now() + rescanMs));
      rescanMs = Math.min(rescanMs * 2, MAX_RESCAN_MS);
    }
    return true;
  }

  async #shortened(deadline: number): Promise<number> {
    const leftMs = (await this.#request.graceLeftMs?.()) ?? null;
    return leftMs === null ? deadline : Math.min(deadline, this.#now() + leftMs);
  }

  /** A process of the tree that did not stop in time is killed as it is. */
  async #freeze(deadline: number): Promise<void> {
    await freezeTargets(this.#targets, { clock: this.#ports.clock, deadline, living: () => this.#living() });
  }

  /** True when two scans found nobody alive. */
  async #kill(): Promise<boolean> {
    let deadline = Number.POSITIVE_INFINITY;
    let rescanMs = FIRST_RESCAN_MS;
    for (let empty = 0; empty < PROOF_SCANS;) {
      this.#targets.signal('kill', this.#living());
      if (deadline === Number.POSITIVE_INFINITY) deadline = this.#now() + (this.#request.verifyMs ?? VERIFY_MS);
      await this.#watch(Math.min(deadline, this.#now() + rescanMs));
      rescanMs = Math.min(rescanMs * 2, MAX_RESCAN_MS);
      const newcomers = this.#look(empty);
      const living = this.#living();
      if (living.length === 0 && newcomers === 0) {
        empty += 1;
        continue;
      }
      empty = 0;
      if (this.#now() < deadline && (living.length === 0 || living.some(mayDie))) continue;
      // What this last scan found for the first time still gets its KILL, but no further time.
      this.#targets.signal('kill', living);
      return false;
    }
    return true;
  }

  /** Waits until no living target is left that could die, at most until `deadline`. */
  async #watch(deadline: number): Promise<void> {
    for (;;) {
      const waitedFor = this.#living().filter(mayDie);
      const leftMs = deadline - this.#now();
      if (waitedFor.length === 0 || leftMs <= 0) return;
      await this.#targets.waitForDeath(waitedFor, leftMs);
    }
  }

  /** Scans; when the scan just before found nothing, it is enough to look at what that one has not seen. */
  #look(quietScans: number): number {
    return quietScans === 0 ? this.#targets.scan() : this.#targets.scanNew();
  }

  #living(): readonly Target[] {
    return this.#targets.living(this.#last);
  }

  #now(): number {
    return this.#ports.clock.monotonicMs();
  }

  #receipt(foundEmpty: boolean, leaveOut: Identity | null): Receipt {
    return receiptOf(
      this.#targets.all().filter(({ row }) => leaveOut === null || identityKey(row) !== identityKey(leaveOut)),
      {
        reason: this.#request.reason,
        firstSignalAt: this.#targets.firstSignalAt,
        elapsedMs: this.#now() - this.#startedAt,
        foundEmpty,
        suspects: foundEmpty ? hiddenSuspects(this.#request.spec, this.#ports.table) : [],
      },
    );
  }
}
