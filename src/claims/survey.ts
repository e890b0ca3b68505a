import { identityIn, identityKey } from '../processes/identity.ts';
import type { ClaimPorts } from './acquire.ts';
import type { AgentProcess, AgentSession, SessionFinder } from './agent-session.ts';
import type { Claim } from './claim.ts';
import { collisionsAmong, type ClaimCollision, type SessionKnowledge } from './collisions.ts';
import { readClaim, type ClaimView } from './inspect.ts';
import { isInTree } from './see-tree.ts';
import { findTrespasses, type PlacedAgent, type Trespass } from './trespass.ts';

export interface SurveyPorts {
  readonly claims: ClaimPorts;
  readonly sessions: SessionFinder;
}

const ROOT_UID = 0;

/** Whose agents somebody can see into: root everybody's (null), others their own. */
export function agentsInSight(uid: number | null): number | null {
  return uid === ROOT_UID ? null : uid;
}

/** Agents that share a worktree with one that is not of their tree, among all that live. */
export async function surveyAgents(
  { claims, sessions }: SurveyPorts,
  agents: readonly AgentProcess[],
): Promise<readonly Trespass[]> {
  const { files, table } = claims;
  const known = sessions.sessionsOf(agents);
  const placed = agents.flatMap((agent) => place(agent, known.get(identityKey(agent.row)) ?? null));
  const held = new Map<string, Claim>();
  for (const worktree of new Set(placed.map((agent) => agent.worktree))) {
    const view = await readClaim(claims, files.placeOf(worktree));
    if (view.state === 'held' || view.state === 'orphaned') held.set(worktree, view.claim);
  }
  return findTrespasses(placed, (worktree) => held.get(worktree) ?? null, table);

  function place({ kind, row, cwd }: AgentProcess, session: AgentSession | null): PlacedAgent[] {
    if (cwd === null) return [];
    try {
      return [{ kind, row, cwd, session, worktree: files.placeOf(cwd).worktree }];
    } catch {
      // Its folder is gone, or is not ours to read.
      return [];
    }
  }
}

/** What is wrong among claims, with what is known of the sessions of all agents that live. */
export function surveyClaims(
  { claims: { table }, sessions }: SurveyPorts,
  views: readonly ClaimView[],
  agents: readonly AgentProcess[],
): readonly ClaimCollision[] {
  const known = sessions.sessionsOf(agents);
  const sessionOf = ({ row }: AgentProcess): AgentSession | null => known.get(identityKey(row)) ?? null;
  const knowledge: SessionKnowledge = {
    inTreeOf: ({ holder }) =>
      agents.flatMap((agent) => {
        const session = sessionOf(agent);
        const isCertain = session?.certainty === 'certain';
        return isCertain && isInTree(holder, identityIn(table.realm, agent.row), table) ? [session] : [];
      }),
    whyGone(session) {
      const log = sessions.logOf(session);
      // Of other tools' sessions nothing is known; and an agent of whom it is not certain where it is may be in this one.
      if (log === null || agents.some((agent) => mayBeIn(agent, session, log.path))) return null;
      return `its log ${log.path} was last written ${new Date(log.modifiedMs).toISOString()}, and no agent that can be seen is in it`;
    },
  };
  return collisionsAmong(views, knowledge);

  function mayBeIn(agent: AgentProcess, session: string, log: string): boolean {
    const its = sessionOf(agent);
    return its?.certainty === 'certain' ? its.id === session : its?.id === session || sessions.mayWrite(agent, log);
  }
}
