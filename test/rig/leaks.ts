import { randomUUID } from 'node:crypto';
import { after, afterEach } from 'node:test';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { identityIn, identityKey } from '../../src/processes/identity.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { systemClock } from '../../src/host/clock.ts';

/** Everything that this test file starts inherits it, unless it clears its environment. */
const MARK = 'REEVE_TEST_MARK';
const mark = randomUUID();
process.env[MARK] = mark;

/** What is on its way out when a test ends gets this long, in milliseconds; whatever lives on was left behind. */
const GONE_WITHIN_MS = 5_000;

const processes = createLinuxProcesses();
const reported = new Map<string, Identity>();

/** Names a process that a test is responsible for, and that may have lost the mark. */
export function watchForLeak(identity: Identity): void {
  reported.set(identityKey(identity), identity);
}

/** From here on a test fails that leaves a process behind. What it leaves is ended. To be called once per test file. */
export function failOnLeaks(): void {
  afterEach(endLeaks);
  after(endLeaks);
}

async function endLeaks(): Promise<void> {
  const left = await stillAlive(findMarked());
  const lines = left.map(({ pid }) => `${pid} ${processes.table.details(pid).argv?.join(' ') ?? ''}`);
  if (left.length > 0) await killVerified({ ...processes, clock: systemClock }, left, { graceMs: 0 });
  reported.clear();
  if (lines.length > 0) throw new Error(`the test left processes running:\n${lines.join('\n')}`);
}

/** Those of the processes that have not ended after the time that all of them together are given. */
async function stillAlive(identities: readonly Identity[]): Promise<readonly Identity[]> {
  const deadline = systemClock.monotonicMs() + GONE_WITHIN_MS;
  let handles = identities.flatMap((identity) => {
    const opened = processes.signaller.open(identity);
    return opened.kind === 'open' ? [opened.handle] : [];
  });
  while (handles.length > 0) {
    const exited = await processes.signaller.waitAny(handles, deadline - systemClock.monotonicMs());
    for (const handle of exited) handle.close();
    handles = handles.filter((handle) => !exited.includes(handle));
    if (exited.length === 0) break;
  }
  for (const handle of handles) handle.close();
  return handles.map(({ identity }) => identity);
}

function findMarked(): readonly Identity[] {
  const { table, self } = processes;
  return table
    .list()
    .filter((row) => row.pid !== self.pid && row.state !== 'Z')
    .filter((row) => {
      if (reported.get(identityKey(row)) !== undefined) return true;
      const value = table.environment(row.pid, MARK);
      return value.kind === 'value' && value.value === mark;
    })
    .map((row) => identityIn(table.realm, row));
}
