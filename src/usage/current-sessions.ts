import type { RunId } from '../runs/record.ts';
import type { LedgerStore, SessionLink } from './ports.ts';

/** A session that a live run is in now. */
export interface CurrentSession {
  readonly runId: RunId;
  readonly sessionId: string;
}

/**
 * The sessions that live runs are in: those that were seen alive, else of those a run was linked to the one in which it last spent: a session
 * belongs to its run from the run's beginning on, so that links alone do not tell.
 * @param seenAlive of any runs, from a look at the agents' own registries; empty when nobody has looked
 */
export async function currentSessions(
  ledger: LedgerStore,
  liveRunIds: readonly RunId[],
  seenAlive: readonly CurrentSession[],
): Promise<readonly CurrentSession[]> {
  const ids = new Set(liveRunIds);
  const alive = seenAlive.filter((session) => ids.has(session.runId));
  const silent = [...ids].filter((id) => !alive.some((session) => session.runId === id));
  if (silent.length === 0) return alive;
  const linksByRun = Map.groupBy(await ledger.links({ runIds: silent }), ({ runId }) => runId);
  const undecided = [...linksByRun].filter(([, links]) => links.length > 1).map(([runId]) => runId);
  const spend = undecided.length === 0 ? [] : await ledger.sums({ runIds: undecided }, ['run', 'session']);
  const lastOf = ({ runId, sessionId, fromMs }: SessionLink): number =>
    Math.max(fromMs, spend.find((sum) => sum.runId === runId && sum.sessionId === sessionId)?.lastAt ?? 0);
  const last = [...linksByRun.values()].flatMap((links) => links.toSorted((a, b) => lastOf(b) - lastOf(a))[0] ?? []);
  return [...alive, ...last.map(({ runId, sessionId }) => ({ runId, sessionId }))];
}
