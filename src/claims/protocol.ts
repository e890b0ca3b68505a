import { sameIdentity, type Identity } from '../processes/identity.ts';
import type { Claim, ClaimRecord, ClaimToken, Holder, Leader, Survivor, Waiter } from './claim.ts';
import { stateOf, type ClaimState, type Sight } from './sight.ts';

/**
 * The protocol of claims, as decisions over one record that is read and written under an exclusive guard. Nobody but these functions
 * makes a next record, and `model.test.ts` walks every order in which they, crashes among them, can happen.
 *
 *   free ──acquire (token + 1)──► held ──release, force──► free
 *                                  │
 *                                  └──tree proven empty──► stale ──acquire (token + 1)──► held
 */

/** Whoever wants the worktree. */
export interface Ask {
  readonly holder: Holder;
  readonly session: string | null;
  /** Ids of the runs that the asker is part of, by its cookie: one that holds the claim lets it in. */
  readonly insideOf: readonly string[];
  /** Whether the asker descends from a process: then it is part of a run whose shim that is, also without a cookie. */
  readonly descendsFrom: (process: Identity) => boolean;
  readonly now: number;
}

/** What the asker has seen. */
export interface Seen {
  /** Of a claim's holder. */
  readonly sightOf: (claim: Claim) => Sight;
  /** Whether a waiter still waits. In doubt until its own deadline. */
  readonly isWaiting: (waiter: Waiter) => boolean;
}

export type AcquireDecision =
  /** To be written; only then is it ours. */
  | { readonly kind: 'granted'; readonly next: ClaimRecord }
  /** It was ours: same token, same beginning, the session replaced. */
  | { readonly kind: 'refreshed'; readonly next: ClaimRecord }
  /** A run around ours holds it. */
  | { readonly kind: 'joined'; readonly record: ClaimRecord }
  | {
      readonly kind: 'refused';
      readonly record: ClaimRecord;
      readonly claim: Claim;
      readonly state: Exclude<ClaimState, 'stale'>;
      readonly why: string;
    }
  /** Free, and someone who came earlier waits for it. */
  | { readonly kind: 'queued'; readonly record: ClaimRecord; readonly first: Waiter };

/**
 * Whether the asker gets the worktree.
 *
 * @param record what the register holds
 * @param others what is on record elsewhere about the same worktree, and counts beside it: none of it may be held
 */
export function decideAcquire(
  record: ClaimRecord,
  others: readonly ClaimRecord[],
  ask: Ask,
  seen: Seen,
): AcquireDecision {
  const token = Math.max(record.token, ...others.map((other) => other.token));
  for (const one of [record, ...others]) {
    const { claim } = one;
    if (claim === null) continue;
    const isOurs = isHolder(claim, ask.holder);
    if (isOurs && one === record) {
      const kept = { ...claim, session: ask.session ?? claim.session, renewedAt: ask.now };
      return { kind: 'refreshed', next: { ...record, claim: kept } };
    }
    if (isOurs || isInside(claim, ask)) return { kind: 'joined', record: one };
    const sight = seen.sightOf(claim);
    const state = stateOf(sight);
    if (state !== 'stale') return { kind: 'refused', record: one, claim, state, why: sight.why };
  }
  const waiting = record.queue.filter(seen.isWaiting);
  const first = waiting[0];
  if (first !== undefined && !sameIdentity(first.process, ask.holder.process)) return { kind: 'queued', record, first };
  const { holder, session, now } = ask;
  const claim: Claim = { holder, session, acquiredAt: now, renewedAt: now };
  return {
    kind: 'granted',
    next: { ...record, token: (token + 1) as ClaimToken, claim, queue: waiting.slice(1) },
  };
}

/** True when a claim is this very holder's: the same run and the same process. */
export function isHolder({ holder }: Claim, other: Holder): boolean {
  return holder.runId === other.runId && sameIdentity(holder.process, other.process);
}

/**
 * Only a run lets others in: its sweep ends them with it. What a shell has started lives on without the shell, and a claim that was the
 * shell's would be free while that works there.
 */
function isInside({ holder }: Claim, ask: Ask): boolean {
  return holder.runId !== null && (ask.insideOf.includes(holder.runId) || ask.descendsFrom(holder.process));
}

/** The record with the waiter at the end of the queue, where it is not in it yet; those who have gone are dropped. */
export function enqueue(record: ClaimRecord, waiter: Waiter, isWaiting: Seen['isWaiting']): ClaimRecord {
  const others = record.queue.filter((one) => isWaiting(one) || sameIdentity(one.process, waiter.process));
  const isIn = others.some((one) => sameIdentity(one.process, waiter.process));
  return { ...record, queue: isIn ? others : [...others, waiter] };
}

/** The record without the waiter; the same one when it was not in the queue. */
export function dequeue(record: ClaimRecord, waiter: Waiter): ClaimRecord {
  const queue = record.queue.filter((one) => !sameIdentity(one.process, waiter.process));
  return queue.length === record.queue.length ? record : { ...record, queue };
}

/** What the owner of a claim wants; owner and token must both be right. */
export interface OwnerAsk {
  readonly token: ClaimToken;
  readonly holder: Holder;
}

export type OwnerDecision =
  | { readonly kind: 'written'; readonly next: ClaimRecord }
  /** Nobody holds it. */
  | { readonly kind: 'free' }
  /** Someone else holds it, or the same holder by a newer token: whoever asks was superseded. */
  | { readonly kind: 'superseded'; readonly record: ClaimRecord };

/** A sign of life. */
export function decideRenew(record: ClaimRecord, ask: OwnerAsk, now: number): OwnerDecision {
  return asOwner(record, ask, (claim) => ({ ...claim, renewedAt: now }));
}

/** The run's command exists: from now on its tree can be found by it too. */
export function decideAttach(record: ClaimRecord, ask: OwnerAsk, leader: Leader): OwnerDecision {
  return asOwner(record, ask, (claim) => ({ ...claim, holder: { ...claim.holder, leader } }));
}

/** A stop in the holder's tree is over, and these live on: from now on the tree is found by them too, as by those of earlier stops. */
export function decideOutlive(record: ClaimRecord, ask: OwnerAsk, survivors: readonly Survivor[]): OwnerDecision {
  return asOwner(record, ask, ({ holder, ...claim }) => {
    const known = holder.survivors ?? [];
    const isKnown = (one: Survivor): boolean =>
      known.some(({ pid, startTicks }) => pid === one.pid && startTicks === one.startTicks);
    const more = survivors.filter((one) => !isKnown(one)).map(({ pid, startTicks }) => ({ pid, startTicks }));
    return { ...claim, holder: { ...holder, survivors: [...known, ...more] } };
  });
}

/** Gives the worktree back. The token stays on record, so that the next one is higher. */
export function decideRelease(record: ClaimRecord, ask: OwnerAsk): OwnerDecision {
  return asOwner(record, ask, () => null);
}

/**
 * Breaks a claim, whoever holds it. The token grows, so that the old holder's is refused at once. Null: there is none to break.
 * @param given the highest token that was given to anybody, where the record may not say so
 */
export function decideForce(
  record: ClaimRecord,
  given = 0,
): { readonly next: ClaimRecord; readonly broken: Claim | null } | null {
  if (record.claim === null && given <= record.token) return null;
  const token = (Math.max(record.token, given) + 1) as ClaimToken;
  return { next: { ...record, token, claim: null }, broken: record.claim };
}

/** Frees a worktree whose claim was found stale: that very claim, or none. */
export function decideClear(record: ClaimRecord, stale: Claim): ClaimRecord | null {
  const { claim } = record;
  const isSame = claim !== null && isHolder(claim, stale.holder) && claim.acquiredAt === stale.acquiredAt;
  return isSame ? { ...record, claim: null } : null;
}

/**
 * Whether a token is the one in force. `unclaimed`: nobody holds the worktree, also when that token was the last; `superseded`: a newer
 * one was given; `unknown`: it is higher than any that was.
 */
export function verifyToken(record: ClaimRecord, token: number): 'current' | 'superseded' | 'unclaimed' | 'unknown' {
  // NaN, which is what a variable that is not set makes as a number, compares with nothing.
  if (token === record.token) return record.claim === null ? 'unclaimed' : 'current';
  return token < record.token ? 'superseded' : 'unknown';
}

function asOwner(record: ClaimRecord, ask: OwnerAsk, change: (claim: Claim) => Claim | null): OwnerDecision {
  const { claim } = record;
  if (claim === null) return { kind: 'free' };
  if (record.token !== ask.token || !isHolder(claim, ask.holder)) return { kind: 'superseded', record };
  return { kind: 'written', next: { ...record, claim: change(claim) } };
}
