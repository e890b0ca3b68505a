import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { systemClock } from '../../src/host/clock.ts';
import { systemRandom } from '../../src/host/random.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import type { ProcessTable } from '../../src/processes/ports.ts';
import { COOKIE_VARIABLE } from '../../src/processes/tree-spec.ts';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunIntent, RunRecord } from '../../src/runs/record.ts';
import { createRunIds } from '../../src/runs/run-id.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { intentOf } from '../contracts/samples.ts';
import { startPuppet, type Report, type Cleanup } from '../rig/puppet.ts';

export const processes = createLinuxProcesses();
export const ids = createRunIds(systemRandom);
const { table } = processes;

/** Ports of a run's features over the real process table and a store in memory. */
export function createPorts() {
  return { ...processes, clock: systemClock, runs: createMemoryStore().runs };
}

export function isAlive(identity: Identity): boolean {
  const row = table.read(identity.pid);
  return row !== null && row.startTicks === identity.startTicks && row.state !== 'Z';
}

/** The identity of a process that is dead: a PID that another process may have by now, with the start time of the first. */
export function deadIdentity(): Identity {
  const { pid } = spawnSync('/bin/true');
  return { ...processes.self, pid, startTicks: 1 };
}

/** Another boot, or another PID namespace, looking at the same processes. */
export function seenFrom(realm: Partial<ProcessTable['realm']>): ProcessTable {
  return new Proxy(table, {
    get: (target, key) => (key === 'realm' ? { ...target.realm, ...realm } : Reflect.get(target, key)),
  });
}

export const elsewhere = { bootId: randomUUID() };

/** A running run of a puppet, as its shim would have recorded it. The shim is dead unless given. */
export async function startRun(
  t: Cleanup,
  runs: RunStore,
  options: { readonly puppet?: string; readonly roles?: readonly string[]; readonly intent?: Partial<RunIntent> } = {},
): Promise<{ readonly record: RunRecord; readonly members: readonly Identity[]; readonly report: Report }> {
  const intent = intentOf({ shim: deadIdentity(), ...options.intent });
  const puppet = startPuppet(t, options.puppet ?? 'sleeper.sh', { env: { [COOKIE_VARIABLE]: intent.cookie } });
  const found: Readonly<Record<string, Identity>> = await puppet.report.processes('leader', ...(options.roles ?? []));
  const { leader } = found;
  if (leader === undefined) throw new Error('the puppet has no leader');
  const inserted = await runs.insert(intent);
  const { pid } = leader;
  const started = { identity: leader, processGroupId: pid, sessionId: pid, startedAt: intent.createdAt };
  const record = await runs.update(inserted, { state: 'running', started }, intent.createdAt);
  return { record, members: Object.values(found), report: puppet.report };
}

/** Ends one process of a test, by its identity. */
export async function endProcess(identity: Identity): Promise<void> {
  const opened = processes.signaller.open(identity);
  if (opened.kind !== 'open') return;
  opened.handle.send('KILL');
  await processes.signaller.waitAny([opened.handle], 30_000);
  opened.handle.close();
}
