import type { ClaimView } from './inspect.ts';

/** Something about claims that is not as it should be. */
export interface ClaimCollision {
  /**
   * - `stale`: its holder is dead, and nothing of its tree lives
   * - `orphaned`: its session is gone, or its holder is dead, and processes live
   * - `claimed-twice`: one session holds several worktrees
   */
  readonly kind: 'stale' | 'orphaned' | 'claimed-twice';
  readonly views: readonly ClaimView[];
  /** One sentence for people. */
  readonly why: string;
}

/**
 * What is wrong among claims.
 * @param activeSessions sessions that live, of whatever tool; null: nobody knows, and no session is called gone
 */
export function collisionsAmong(
  views: readonly ClaimView[],
  activeSessions: ReadonlySet<string> | null,
): readonly ClaimCollision[] {
  const found: ClaimCollision[] = [];
  const bySession = new Map<string, ClaimView[]>();
  for (const view of views) {
    if (view.state === 'free' || view.state === 'corrupt') continue;
    const { session } = view.claim;
    if (view.state === 'stale') {
      found.push({ kind: 'stale', views: [view], why: view.why });
      continue;
    }
    const sessionIsGone = session !== null && activeSessions !== null && !activeSessions.has(session);
    if (sessionIsGone) found.push({ kind: 'orphaned', views: [view], why: `session ${session} is gone; ${view.why}` });
    else if (view.state === 'orphaned') found.push({ kind: 'orphaned', views: [view], why: view.why });
    if (session !== null) bySession.set(session, [...(bySession.get(session) ?? []), view]);
  }
  for (const [session, theirs] of bySession) {
    if (theirs.length < 2) continue;
    const worktrees = theirs.map(({ place }) => place.worktree).join(', ');
    found.push({ kind: 'claimed-twice', views: theirs, why: `session ${session} holds ${worktrees}` });
  }
  return found;
}
