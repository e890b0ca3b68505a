import type { AgentSession } from './agent-session.ts';
import type { Claim } from './claim.ts';
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
  /** The session that it is about; null when it is about none. */
  readonly session: string | null;
  /** One sentence for people. */
  readonly why: string;
}

/** What is known of agents' sessions. */
export interface SessionKnowledge {
  /** Sessions that agents in the tree of a claim's holder are in, of whom that is certain. */
  readonly inTreeOf: (claim: Claim) => readonly AgentSession[];
  /** Why a session is over; null when it lives, or when nobody can tell. */
  readonly whyGone: (session: string) => string | null;
}

type Claimed = Extract<ClaimView, { readonly claim: Claim }>;

/**
 * What is wrong among claims.
 * @param sessions null: nobody knows of any, and no session is called gone
 */
export function collisionsAmong(
  views: readonly ClaimView[],
  sessions: SessionKnowledge | null,
): readonly ClaimCollision[] {
  const found: ClaimCollision[] = [];
  const bySession = new Map<string, Claimed[]>();
  for (const view of views) {
    if (view.state === 'free' || view.state === 'corrupt') continue;
    const { session } = view.claim;
    if (view.state === 'stale') {
      found.push({ kind: 'stale', views: [view], session, why: view.why });
      continue;
    }
    const whyGone = session === null ? null : (sessions?.whyGone(session) ?? null);
    if (whyGone !== null || view.state === 'orphaned') {
      const why = whyGone === null ? view.why : `session ${session} is gone (${whyGone}); ${view.why}`;
      found.push({ kind: 'orphaned', views: [view], session, why });
    }
    for (const one of sessionsOf(view, sessions)) bySession.set(one, [...(bySession.get(one) ?? []), view]);
  }
  for (const [session, theirs] of bySession) {
    if (theirs.length < 2) continue;
    const worktrees = theirs.map(({ place }) => place.worktree).join(', ');
    found.push({ kind: 'claimed-twice', views: theirs, session, why: `session ${session} holds ${worktrees}` });
  }
  return found;
}

/** The session that a holder named, and those that are seen in its tree. */
function sessionsOf({ claim }: Claimed, sessions: SessionKnowledge | null): ReadonlySet<string> {
  const seen = sessions?.inTreeOf(claim) ?? [];
  return new Set([...(claim.session === null ? [] : [claim.session]), ...seen.map(({ id }) => id)]);
}
