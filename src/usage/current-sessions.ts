import type { RunId } from '../runs/record.ts';
import type { LedgerStore } from './ports.ts';

/** A session that a live run is in now. */
export interface CurrentSession {
  readonly runId: RunId;
  readonly sessionId: string;
}

/**
 * The sessions that live runs are in: those that were seen alive, else the one a run was last linked to.
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
  const links = await ledger.links({ runIds: silent });
  const last = new Map(links.toSorted((a, b) => a.fromMs - b.fromMs).map((one) => [one.runId, one.sessionId]));
  return [...alive, ...[...last].map(([runId, sessionId]) => ({ runId, sessionId }))];
}
