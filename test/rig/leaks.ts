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
  const leaked: string[] = [];
  for (const identity of findMarked()) {
    const opened = processes.signaller.open(identity);
    if (opened.kind !== 'open') continue;
    const ended = await processes.signaller.waitAny([opened.handle], GONE_WITHIN_MS);
    opened.handle.close();
    if (ended.length > 0) continue;
    leaked.push(`${identity.pid} ${processes.table.details(identity.pid).argv?.join(' ') ?? ''}`);
    await killVerified({ ...processes, clock: systemClock }, [identity], { graceMs: 0 });
  }
  reported.clear();
  if (leaked.length > 0) throw new Error(`the test left processes running:\n${leaked.join('\n')}`);
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
