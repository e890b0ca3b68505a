import type { Config } from '../config/config.ts';
import type { Event } from '../events.ts';
import type { Place } from '../host/git-place.ts';
import type { Enforcer } from '../limits/enforcer.ts';
import type { LockoutStore } from '../limits/ports.ts';
import { identityKey, type Realm } from '../processes/identity.ts';
import type { UnsupervisedAgent } from '../runs/unsupervised.ts';

export interface UnsupervisedPolicyPorts {
  readonly lockouts: LockoutStore;
  readonly enforcer: Enforcer;
  readonly realm: Realm;
  /** @throws FOLDER_NOT_FOUND */
  readonly placeOf: (cwd: string) => Place;
  readonly record: (event: Event) => void;
  /** A stop that failed, or a lockout that cannot be read. */
  readonly onError: (error: unknown) => void;
  readonly now: () => number;
}

/** Name under which an agent that reeve did not start is announced once. */
const NOTICE = 'unsupervised';

/**
 * Does what `[agents.<kind>] unsupervised` says: nothing, a notice once per process, or a stop of what works where a lockout forbids it,
 * each with an event that holds its receipt.
 * An agent whose folder cannot be read is announced and never stopped.
 */
export async function applyUnsupervisedPolicy(
  agents: readonly UnsupervisedAgent[],
  config: Config,
  ports: UnsupervisedPolicyPorts,
): Promise<void> {
  for (const agent of agents) {
    const policy = config.agents[agent.kind]?.unsupervised ?? 'warn';
    if (policy === 'ignore') continue;
    await announce(agent, ports);
    // One that cannot be judged keeps no other from being stopped.
    if (policy === 'stop' && agent.cwd !== null)
      await stopIfLockedOut(agent.kind, agent.cwd, ports).catch(ports.onError);
  }
}

async function announce({ kind, row, cwd }: UnsupervisedAgent, ports: UnsupervisedPolicyPorts): Promise<void> {
  const now = ports.now();
  const counter = `${ports.realm.bootId} ${ports.realm.pidNamespace} ${identityKey(row)}`;
  const isNew = await ports.lockouts.noticeOnce({ limit: NOTICE, counter, periodStart: 0, step: kind }, now);
  if (isNew) ports.record({ type: 'agent.unsupervised', at: now, agent: kind, pid: row.pid, cwd });
}

async function stopIfLockedOut(kind: string, cwd: string, ports: UnsupervisedPolicyPorts): Promise<void> {
  let place: Place;
  try {
    place = ports.placeOf(cwd);
  } catch {
    // Its folder is gone: which project that was is a guess.
    return;
  }
  const { project, branch } = place;
  const worktree = place.worktree ?? project;
  const judged = await ports.enforcer.checkLocked({ project, branch, agent: kind, worktree, now: ports.now() });
  if (judged.lockout === null) return;
  const { limit, reason: message } = judged.lockout;
  for (const error of judged.errors) ports.onError(error);
  for (const receipt of judged.receipts)
    ports.record({ type: 'agent.stopped', at: ports.now(), agent: kind, worktree, limit, message, receipt });
}
