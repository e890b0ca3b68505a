import { ReeveError } from '../errors.ts';
import { isWithin } from '../processes/kill.ts';
import { isBelow, lookoutFrom, type ClaimPorts } from './acquire.ts';
import { claimHeldBy } from './claim-held.ts';
import { faceOf, type Claim, type ClaimRecord, type ClaimToken, type Holder } from './claim.ts';
import type { ClaimPlace, ClaimRow } from './ports.ts';
import { decideAcquire, decideClear, decideForce, isHolder, verifyToken } from './protocol.ts';
import { changeOrForget, readRegister } from './register.ts';
import { seesWaiting, seeTree } from './see-tree.ts';
import { stateOf, type ClaimState } from './sight.ts';
import { snapshotOf } from './snapshot.ts';

/** The claim on a worktree as it is seen now. */
export type ClaimView = { readonly place: ClaimPlace; readonly token: ClaimToken | null } & (
  | { readonly state: 'free' }
  | { readonly state: ClaimState; readonly claim: Claim; readonly why: string }
  | { readonly state: 'corrupt'; readonly error: ReeveError }
);

/** Reads the claim on a worktree and looks for its holder. Writes nothing. */
export async function readClaim(ports: ClaimPorts, place: ClaimPlace): Promise<ClaimView> {
  try {
    const { record, others } = await readRegister(ports, place);
    const claimed = [record, ...others].find((one) => one.claim !== null);
    return claimed === undefined ? { place, token: record.token, state: 'free' } : viewOf(ports, place, claimed);
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'CLAIM_CORRUPT')
      return { place, token: null, state: 'corrupt', error };
    throw error;
  }
}

/**
 * Passes when a worktree is free, ours or stale. Writes nothing.
 * @throws CLAIM_HELD, CLAIM_CORRUPT
 */
export async function checkClaim(
  ports: ClaimPorts,
  place: ClaimPlace,
  who: { readonly holder: Holder; readonly insideOf: readonly string[] },
): Promise<void> {
  const { record, others } = await readRegister(ports, place);
  const now = ports.clock.now();
  const look = lookoutFrom(ports, place);
  const decision = decideAcquire(
    record,
    others,
    {
      ...who,
      session: null,
      now,
      descendsFrom: (process) => isBelow(who.holder.process, process, ports.table),
    },
    { sightOf: (claim) => seeTree(claim, look), isWaiting: (waiter) => seesWaiting(waiter, look) },
  );
  if (decision.kind === 'refused' || decision.kind === 'queued') throw await claimHeldBy(ports, place, decision);
}

/** `unlocked` · `locked (by us)` · `locked by PID N (session: S)` · `stale (dead PID N)` · `error: …` */
export function statusText(view: ClaimView, us: Holder | null): string {
  switch (view.state) {
    case 'free':
      return 'unlocked';
    case 'corrupt':
      return `error: ${view.error.message}`;
    case 'stale':
      return `stale (dead PID ${faceOf(view.claim.holder).pid})`;
    case 'held':
    case 'orphaned': {
      const { claim } = view;
      if (us !== null && isHolder(claim, us)) return 'locked (by us)';
      return `locked by PID ${faceOf(claim.holder).pid}${claim.session === null ? '' : ` (session: ${claim.session})`}`;
    }
  }
}

/**
 * Whether this token is the one in force on a worktree.
 * @param insideOf runs that the asker is part of: the claim has to be held by one of them, if it is a run that holds it
 * @throws CLAIM_CORRUPT
 */
export async function verifyClaim(
  ports: ClaimPorts,
  place: ClaimPlace,
  token: number,
  insideOf: readonly string[] = [],
): Promise<{ readonly verdict: ReturnType<typeof verifyToken>; readonly record: ClaimRecord }> {
  const { record: own, others } = await readRegister(ports, place);
  // Who holds it may have claimed it by another file; of numbers that nobody holds the last one counts.
  const record = [own, ...others].find(({ claim }) => claim !== null) ?? lastGiven(own, others);
  const runId = record.claim?.holder.runId ?? null;
  // Each worktree counts by itself: a number that is good here may be what another worktree's run was given.
  const isStranger = runId !== null && insideOf.length > 0 && !insideOf.includes(runId);
  return { verdict: isStranger ? 'superseded' : verifyToken(record, token), record };
}

/** Gives back this very claim; false when it is not there any more. Whether that may be done, the caller knows. @throws CLAIM_CORRUPT */
export function releaseClaim(ports: ClaimPorts, place: ClaimPlace, claim: Claim): Promise<boolean> {
  return changeOrForget(ports, place, ({ record }) => {
    const next = decideClear(record, claim);
    return { next, result: next !== null };
  });
}

/**
 * Breaks the claim on a worktree, whoever holds it, and returns it; null when there was none. Ends nothing. The guard of one who has been
 * changing it for seconds, and cannot be seen from here, is broken with it.
 * @throws CLAIM_CORRUPT
 */
export async function forceRelease(ports: ClaimPorts, place: ClaimPlace): Promise<Claim | null> {
  const force = (): Promise<Claim | null> =>
    changeOrForget(ports, place, ({ record }) => {
      const forced = decideForce(record, ports.files.lastToken(place));
      return { next: forced?.next ?? null, result: forced?.broken ?? null };
    });
  try {
    return await force();
  } catch (error) {
    const isGuarded = error instanceof ReeveError && error.code === 'CLAIM_HELD';
    if (!isGuarded || !ports.files.breakGuard(place)) throw error;
    return force();
  }
}

/**
 * The claims that this home knows of, and those on the worktrees of the repository around `near`, if there is one. No folder is looked through: what it
 * costs grows with the claims alone. Free worktrees are left out.
 */
export async function listClaims(
  ports: ClaimPorts,
  options: { readonly near?: string | null; readonly under?: string } = {},
): Promise<readonly ClaimView[]> {
  const { files } = ports;
  const around = options.near === undefined || options.near === null ? [] : files.placesAround(options.near);
  const rows = newestPerFolder((await ports.rows?.list()) ?? []);
  const known = new Set(around.map(({ file }) => file));
  const places = [
    ...around.map((place) => ({ place, row: null })),
    ...rows.filter(({ file }) => !known.has(file)).map((row) => ({ place: files.placeOfRow(row), row })),
  ].filter(({ place }) => options.under === undefined || isWithin(options.under, place.worktree));
  const still: ClaimPorts = { ...ports, table: snapshotOf(ports.table), rows: null };
  const views: ClaimView[] = [];
  for (const { place, row } of places) {
    const view = await readClaim(row === null ? { ...still, rows: ports.rows } : still, place);
    // The file is gone with its folder, or was lost: the row still says who claimed it.
    const isLost =
      view.state === 'free' && row !== null && row.record.claim !== null && row.record.token > (view.token ?? 0);
    if (isLost) views.push(viewOf(still, place, row.record));
    else if (view.state !== 'free') views.push(view);
  }
  return views.toSorted((a, b) => (a.place.worktree < b.place.worktree ? -1 : 1));
}

/** Frees the worktrees whose holders' trees are proven empty. Returns how many. */
export async function cleanStale(ports: ClaimPorts, views: readonly ClaimView[]): Promise<number> {
  let cleaned = 0;
  for (const view of views) {
    // Seen in a listing's snapshot, it is looked at once more.
    if (view.state !== 'stale' || stateOf(seeTree(view.claim, lookoutFrom(ports, view.place))) !== 'stale') continue;
    if (await releaseClaim(ports, view.place, view.claim)) cleaned += 1;
  }
  return cleaned;
}

function viewOf(ports: ClaimPorts, place: ClaimPlace, { claim, token }: ClaimRecord): ClaimView {
  if (claim === null) return { place, token, state: 'free' };
  const sight = seeTree(claim, lookoutFrom(ports, place));
  return { place, token, state: stateOf(sight), claim, why: sight.why };
}

function lastGiven(own: ClaimRecord, others: readonly ClaimRecord[]): ClaimRecord {
  return others.reduce((last, other) => (other.token > last.token ? other : last), own);
}

/** A folder that was claimed by two names has two rows. */
function newestPerFolder(rows: readonly ClaimRow[]): readonly ClaimRow[] {
  const newest = new Map<string, ClaimRow>();
  for (const row of rows) {
    const other = newest.get(row.folderId);
    if (other === undefined || other.record.token < row.record.token) newest.set(row.folderId, row);
  }
  return [...newest.values()];
}
