import { describeSession, type SessionFinder } from '../claims/agent-session.ts';
import { describeHolder } from '../claims/claim-errors.ts';
import type { ClaimPorts } from '../claims/acquire.ts';
import { faceOf } from '../claims/claim.ts';
import type { ClaimCollision } from '../claims/collisions.ts';
import { listClaims } from '../claims/inspect.ts';
import { surveyAgents, surveyClaims } from '../claims/survey.ts';
import type { Trespass } from '../claims/trespass.ts';
import type { Event } from '../events.ts';
import { identityKey } from '../processes/identity.ts';
import { agentKindOf } from '../processes/kinds.ts';
import { createUnsupervisedWatch } from '../runs/unsupervised.ts';
import type { Look } from './look-schedule.ts';

export interface CollisionWatch {
  view(look: Look): void;
  /** Resolves when all that was shown is told of. */
  settled(): Promise<void>;
}

export interface CollisionWatchPorts {
  readonly claims: ClaimPorts;
  readonly sessions: SessionFinder;
  /** Whose agents are looked at; null: everybody's. */
  readonly uid: number | null;
  readonly record: (event: Event) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * Tells of agents, whether reeve started them or not, that share a worktree with one that is not of their tree, of claims whose session is
 * gone, and of sessions that hold several worktrees. Each is told of once, and again when it was over in between.
 */
export function createCollisionWatch(ports: CollisionWatchPorts): CollisionWatch {
  const { claims, record } = ports;
  const { table, clock } = claims;
  const agents = createUnsupervisedWatch({
    table,
    uid: ports.uid,
    kindOf: ({ argv, exe }) => agentKindOf(argv ?? [], exe),
  });
  let toldAgents: ReadonlySet<string> = new Set();
  let toldClaims: ReadonlySet<string> = new Set();
  let underWay: Promise<void> = Promise.resolve();

  return {
    view(look) {
      if (look.news !== 'none') underWay = underWay.then(() => tell(look)).catch(ports.onError);
    },
    settled: () => underWay,
  };

  async function tell({ rows, news }: Look): Promise<void> {
    // Without any live run to be told of, every agent is one that it finds.
    const found = agents.look([], rows);
    const trespasses = await surveyAgents(ports, found);
    for (const trespass of trespasses) if (!toldAgents.has(keyOfTrespass(trespass))) record(eventOfTrespass(trespass));
    toldAgents = new Set(trespasses.map(keyOfTrespass));
    // A session ends with a process: no new one tells of it, and all claims are too many to be read at every start of one.
    if (news !== 'any') return;
    const collisions = surveyClaims(ports, await listClaims(claims), found);
    for (const collision of collisions) {
      const event = toldClaims.has(keyOfCollision(collision)) ? null : eventOfCollision(collision);
      if (event !== null) record(event);
    }
    toldClaims = new Set(collisions.map(keyOfCollision));
  }

  function eventOfTrespass({ agent, claim, others }: Trespass): Event {
    const { kind, row, cwd, worktree, session } = agent;
    const at = clock.now();
    const company = others.map((other) => `${other.kind} (PID ${other.row.pid})`).join(', ');
    const whose =
      claim === null ? `nobody claims it; there too: ${company}` : `it is claimed by ${describeHolder(claim, at)}`;
    return {
      type: 'claim.collided',
      at,
      worktree,
      agent: kind,
      pid: row.pid,
      startTicks: row.startTicks,
      cwd,
      runId: claim?.holder.runId ?? null,
      session: session?.id ?? null,
      log: session?.log ?? null,
      message: `${whose}; ${describeSession(session)}`,
    };
  }

  function eventOfCollision({ kind, views, session, why }: ClaimCollision): Event | null {
    const at = clock.now();
    const [view] = views;
    if (kind === 'claimed-twice' && session !== null) {
      const worktrees = views.map(({ place }) => place.worktree);
      return { type: 'claim.doubled', at, session, worktrees, message: why };
    }
    // Of a stale one nobody needs to know: whoever wants it gets it.
    if (kind !== 'orphaned' || view === undefined || !('claim' in view)) return null;
    const { holder } = view.claim;
    const { pid, startTicks } = faceOf(holder);
    return {
      type: 'claim.orphaned',
      at,
      worktree: view.place.worktree,
      runId: holder.runId,
      pid,
      startTicks,
      session,
      message: why,
    };
  }
}

function keyOfTrespass({ agent: { row, worktree }, claim }: Trespass): string {
  return JSON.stringify([worktree, identityKey(row), claim?.acquiredAt ?? null]);
}

function keyOfCollision({ kind, views, session }: ClaimCollision): string {
  return JSON.stringify([kind, session, ...views.map(({ place, token }) => [place.worktree, token])]);
}
