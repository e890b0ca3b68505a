import { identityIn, sameIdentity, type Identity } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { redactId } from '../runs/redact-id.ts';
import { claimNotHeld, describeRefusal } from './claim-errors.ts';
import { claimHeldBy } from './claim-held.ts';
import type { Claim, ClaimRecord, ClaimToken, Holder, Leader, Survivor, Waiter } from './claim.ts';
import type { ClaimPlace } from './ports.ts';
import {
  decideAcquire,
  decideAttach,
  decideOutlive,
  decideRelease,
  decideRenew,
  dequeue,
  enqueue,
  type AcquireDecision,
  type Ask,
  type OwnerDecision,
  type Seen,
} from './protocol.ts';
import {
  changeOrForget,
  changeRegister,
  readRegister,
  type Change,
  type Current,
  type RegisterPorts,
} from './register.ts';
import { seesWaiting, seeTree, type Lookout } from './see-tree.ts';
import type { Sight } from './sight.ts';

export interface ClaimPorts extends RegisterPorts {
  readonly table: ProcessTable;
  /** Name of this machine. */
  readonly host: string;
  /** Real user id of this process; null where there is none. */
  readonly uid: number | null;
}

export interface AcquireRequest {
  /** Any folder of the worktree. */
  readonly place: ClaimPlace;
  readonly holder: Holder;
  /** The agent's session, if there is one. */
  readonly session: string | null;
  /** Ids of the runs that the asker is part of: one of them that holds the claim lets it in. */
  readonly insideOf: readonly string[];
  /** How long to queue for a worktree that is claimed, in milliseconds. 0 = not at all. */
  readonly waitMs: number;
  /** Called with a line that says who is waited for, and again when that is another. */
  readonly onWait?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/** A claim that is held. */
export interface HeldClaim {
  readonly place: ClaimPlace;
  readonly token: ClaimToken;
  /** A run around the asker holds it: it is that run's to give back. */
  readonly joined: boolean;
  /** Says which process the holder's tree begins with. */
  attach(leader: Leader): Promise<void>;
  /** Says which processes of the holder's tree have outlived a stop. Of a claim that was joined they are members of its holder's tree. */
  outlive(survivors: readonly Survivor[]): Promise<void>;
  /** A sign of life, for those who cannot see this process. @throws CLAIM_NOT_HELD when it was broken or has passed on */
  renew(): Promise<void>;
  /** Gives the worktree back, when the holder's tree is proven empty. False: it was not ours any more. */
  release(): Promise<boolean>;
}

/** How often a waiter looks without being woken, in milliseconds: a holder that is killed wakes nobody. */
const LOOK_MS = 500;
/** The last moment that a date can name (https://tc39.es/ecma262/#sec-time-values-and-time-range). */
const LAST_MS = 8.64e15;

/**
 * Claims a worktree, at once or when it is this asker's turn.
 * @throws CLAIM_HELD, CLAIM_CORRUPT, PERMISSION_DENIED, STORE_FULL, what the store throws, and the signal's reason when it aborts
 */
export async function acquireClaim(ports: ClaimPorts, asked: AcquireRequest): Promise<HeldClaim> {
  const { files, clock } = ports;
  const request = readable(asked);
  const { place, holder, waitMs, signal } = request;
  const deadline = clock.monotonicMs() + waitMs;
  const since = clock.now();
  const waiter: Waiter = {
    process: holder.process,
    host: holder.host,
    since,
    until: Math.min(since + waitMs, LAST_MS),
  };
  let told: string | null = null;
  let queued = false;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const decision = await attempt(ports, request);
      if (decision.kind === 'joined') return heldClaim(ports, request, decision.record.token, true);
      if (decision.kind === 'granted' || decision.kind === 'refreshed') {
        queued = false;
        return heldClaim(ports, request, decision.next.token, false);
      }
      const leftMs = deadline - clock.monotonicMs();
      if (leftMs <= 0) throw await claimHeldBy(ports, place, decision);
      if (!queued) await changeQueue(ports, place, (current) => enqueueIn(ports, current, waiter));
      queued = true;
      const line = describeRefusal(place, decision, clock.now());
      if (told !== keyOf(decision)) request.onWait?.(line);
      told = keyOf(decision);
      await files.changed(place, Math.min(leftMs, LOOK_MS), signal);
    }
  } finally {
    if (queued) await leaveQueue(ports, place, waiter);
  }
}

/** As others can read it: without secrets, of which a mark is left to find the holder by; a blank would make the claim a damaged one. */
function readable(request: AcquireRequest): AcquireRequest {
  const { holder } = request;
  const session = request.session?.trim() ?? '';
  const label = holder.label === '' ? `PID ${holder.process.pid}` : holder.label;
  return { ...request, session: session === '' ? null : redactId(session), holder: { ...holder, label } };
}

/** Looks without the guard, which costs nobody anything, and writes under it only what a second reading still allows. */
async function attempt(ports: ClaimPorts, request: AcquireRequest): Promise<AcquireDecision> {
  const { place, holder, session, insideOf } = request;
  for (;;) {
    const current = await readRegister(ports, place);
    const now = ports.clock.now();
    const descendsFrom = (process: Identity): boolean => isBelow(holder.process, process, ports.table);
    const ask: Ask = { holder, session, insideOf, descendsFrom, now };
    const sights = new Map<string, Sight>();
    const look = lookoutFrom(ports, place);
    const isWaiting = (waiter: Waiter): boolean => seesWaiting(waiter, look);
    const sightOf = (claim: Claim): Sight => {
      const sight = seeTree(claim, look);
      sights.set(claimKey(claim), sight);
      return sight;
    };
    const first = decideAcquire(current.record, current.others, ask, { sightOf, isWaiting });
    if (first.kind !== 'granted' && first.kind !== 'refreshed') return first;
    // Nothing is known of a claim that was not there at the first look: somebody was faster.
    const seen: Seen = { sightOf: (claim) => sights.get(claimKey(claim)) ?? JUST_CLAIMED, isWaiting };
    const second = await changeRegister(ports, place, ({ record, others }) => {
      const result = decideAcquire(record, others, ask, seen);
      return { next: 'next' in result ? result.next : null, result };
    });
    if (second.kind !== 'refused' || second.why !== JUST_CLAIMED.why) return second;
  }
}

const JUST_CLAIMED = { tree: 'alive', holderAlive: true, why: 'it was claimed this moment' } as const satisfies Sight;

/** Whether a process descends from another; false for itself. */
export function isBelow(process: Identity, ancestor: Identity, table: ProcessTable): boolean {
  for (let row = parentOf(process.pid, table); row !== null; row = parentOf(row.pid, table))
    if (sameIdentity(identityIn(table.realm, row), ancestor)) return true;
  return false;
}

function parentOf(pid: number, table: ProcessTable): ProcessRow | null {
  const row = table.read(pid);
  return row === null || row.ppid < 1 ? null : table.read(row.ppid);
}

/** What this process can see of the holder of a claim at that place. */
export function lookoutFrom(ports: ClaimPorts, place: ClaimPlace): Lookout {
  const { table, host, uid, clock, files } = ports;
  return {
    table,
    host,
    uid,
    oneKernel: place.oneKernel,
    lifeLocked: () => files.isLifeLocked(place),
    now: clock.now(),
  };
}

function heldClaim(ports: ClaimPorts, request: AcquireRequest, token: ClaimToken, joined: boolean): HeldClaim {
  const { place, holder } = request;
  const owner = { token, holder };
  let unlockLife = joined ? null : ports.files.lockLife(place);
  const asOwner =
    (decide: (current: Current) => OwnerDecision) =>
    (current: Current): Change<OwnerDecision['kind']> => {
      const decision = decide(current);
      return { next: decision.kind === 'written' ? decision.next : null, result: decision.kind };
    };
  return {
    place,
    token,
    joined,
    async attach(leader) {
      const change = asOwner(({ record }) => decideAttach(record, owner, leader));
      if (!joined) await changeRegister(ports, place, change);
    },
    async outlive(survivors) {
      // The token says that it is still the claim that was joined.
      const holderOf = ({ claim }: ClaimRecord): Holder => (joined && claim !== null ? claim.holder : holder);
      const change = asOwner(({ record }) => decideOutlive(record, { token, holder: holderOf(record) }, survivors));
      await changeRegister(ports, place, change);
    },
    async renew() {
      if (joined) return;
      const change = asOwner(({ record }) => decideRenew(record, owner, ports.clock.now()));
      if ((await changeRegister(ports, place, change)) === 'written') return;
      throw claimNotHeld(place, (await readRegister(ports, place)).record, ports.clock.now());
    },
    async release() {
      if (joined) return true;
      unlockLife?.();
      // By the next time its descriptor may be somebody else's.
      unlockLife = null;
      const change = asOwner(({ record }) => decideRelease(record, owner));
      return (await changeOrForget(ports, place, change)) === 'written';
    },
  };
}

function enqueueIn(ports: ClaimPorts, { record }: Current, waiter: Waiter): Current['record'] {
  const look = { table: ports.table, now: ports.clock.now() };
  return enqueue(record, waiter, (one) => seesWaiting(one, look));
}

async function leaveQueue(ports: ClaimPorts, place: ClaimPlace, waiter: Waiter): Promise<void> {
  await changeQueue(ports, place, ({ record }) => dequeue(record, waiter));
}

function changeQueue(
  ports: ClaimPorts,
  place: ClaimPlace,
  next: (current: Current) => Current['record'],
): Promise<void> {
  return changeRegister(ports, place, (current) => {
    const record = next(current);
    return { next: record === current.record ? null : record, result: undefined };
  });
}

function claimKey({ holder: { process }, acquiredAt }: Claim): string {
  return JSON.stringify([process, acquiredAt]);
}

function keyOf(decision: Extract<AcquireDecision, { kind: 'refused' | 'queued' }>): string {
  return decision.kind === 'queued' ? JSON.stringify(decision.first) : claimKey(decision.claim);
}
