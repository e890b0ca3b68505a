import type { Event } from '../events.ts';
import type { Limit } from '../limits/limit.ts';
import type { Lockout, LockoutKey } from '../limits/lockout.ts';
import type { LockoutStore } from '../limits/ports.ts';
import { standsByItself } from '../limits/standing.ts';
import type { Verdict } from '../limits/verdict.ts';
import type { RunRecord } from '../runs/record.ts';
import type { Stops } from './stops.ts';

export interface ActPorts {
  readonly lockouts: LockoutStore;
  readonly stops: Stops;
  readonly record: (event: Event) => void;
  /** Judges once more, with what is true at this moment. */
  readonly judgeAgain: () => Promise<readonly Verdict[]>;
  readonly now: () => number;
}

/** A verdict that forbids: the cap is passed. */
type Breach = Exclude<Verdict, { readonly kind: 'warn' }>;

/**
 * Does what the verdicts say: the lockout first, so that nothing new starts, then the stops, which run on their own. A breach is judged
 * again just before it is written, because midnight, an unlock or an edit of the config may have come in between.
 */
export async function act(verdicts: readonly Verdict[], live: readonly RunRecord[], ports: ActPorts): Promise<void> {
  if (verdicts.some(isBreach)) await enforce((await ports.judgeAgain()).filter(isBreach), live, ports);
  for (const verdict of verdicts) if (verdict.kind === 'warn') await warn(verdict, ports);
}

async function enforce(breaches: readonly Breach[], live: readonly RunRecord[], ports: ActPorts): Promise<void> {
  const failures: unknown[] = [];
  for (const breach of breaches) {
    // A full disk keeps the lockout from being written; it must not keep the spending from being stopped.
    if (breach.lockout !== null) await lockOut(breach.lockout, ports).catch((error: unknown) => failures.push(error));
    if (breach.kind === 'stop') stopRuns(breach, live, ports);
  }
  if (failures.length > 0) throw failures[0];
  // What is said about it comes after what is done about it.
  for (const breach of breaches) await announce(breach, ports);
}

function isBreach(verdict: Verdict): verdict is Breach {
  return verdict.kind !== 'warn';
}

async function warn(verdict: Verdict, ports: ActPorts): Promise<void> {
  const { limit, message, counter } = verdict;
  const { project, branch } = counter.place;
  const { runId, end: expiresAt } = counter;
  const at = ports.now();
  const runs = counter.live.map((run) => run.record.intent.id);
  const warning = { limit, message, project, branch, runId, runs, at, expiresAt };
  if (!(await ports.lockouts.noticeOnce(verdict.notice, at, warning))) return;
  ports.record({ type: 'limit.warned', at, limit, message, project, branch, runId });
}

async function announce(breach: Breach, ports: ActPorts): Promise<void> {
  const now = ports.now();
  if (!(await ports.lockouts.noticeOnce(breach.notice, now))) return;
  const { project, branch } = breach.counter.place;
  const { limit, message } = breach;
  ports.record({ type: 'limit.breached', at: now, limit, message, project, branch, runId: breach.counter.runId });
}

/** A lockout that stands is left as it is: it says when and at what amount the cap was passed, not how much was spent since. */
async function lockOut(lockout: Lockout, ports: ActPorts): Promise<void> {
  const standing = (await ports.lockouts.list()).find((row) => isSameKey(row, lockout));
  const stands =
    standing !== undefined &&
    standing.expiresAt === lockout.expiresAt &&
    standing.action === lockout.action &&
    standing.capMicroUsd === lockout.capMicroUsd &&
    standing.capTokens === lockout.capTokens;
  if (stands) return;
  await ports.lockouts.put(lockout);
  const { limit, project, branch, reason } = lockout;
  ports.record({ type: 'lockout.written', at: ports.now(), limit, project, branch, message: reason });
}

function stopRuns(breach: Extract<Breach, { kind: 'stop' }>, live: readonly RunRecord[], ports: ActPorts): void {
  for (const record of live) {
    if (!breach.runs.includes(record.intent.id)) continue;
    const { endReason: reason, message, graceMs } = breach;
    void ports.stops.begin({ record, reason, message, graceMs });
  }
}

/**
 * Releases what no breach of its limit stands behind any more: the cap was raised, or the limit selects others now. What the ledger has
 * lost with its store is still in the lockout itself. Only asked when the config changed or the daemon starts; an unlock releases its rows
 * itself. A lockout of a limit that the config does not have is not ours to judge: the library's enforcer may have written it.
 */
export async function releaseUnfounded(
  verdicts: readonly Verdict[],
  limits: readonly Limit[],
  ports: Pick<ActPorts, 'lockouts' | 'record' | 'now'>,
): Promise<void> {
  const now = ports.now();
  const allowances = await ports.lockouts.allowances(now);
  const founded = verdicts.filter(isBreach).flatMap((breach) => breach.lockout ?? []);
  for (const row of await ports.lockouts.list()) {
    const limit = limits.find(({ name }) => name === row.limit);
    if (limit === undefined || founded.some((lockout) => isSameKey(lockout, row))) continue;
    if (standsByItself(row, limit, { allowances, now })) continue;
    await ports.lockouts.release(row);
    const { project, branch } = row;
    const message = 'the limit is not exceeded any more: it was raised or changed';
    ports.record({ type: 'lockout.released', at: now, limit: limit.name, project, branch, message });
  }
}

function isSameKey(a: LockoutKey, b: LockoutKey): boolean {
  return a.limit === b.limit && a.project === b.project && a.branch === b.branch && a.agent === b.agent;
}
