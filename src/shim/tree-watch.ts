import { MAX_TIMER_MS } from './alarm.ts';
import type { Clock } from '../clock.ts';
import { identityIn, identityKey } from '../processes/identity.ts';
import type { ProcessHandle, ProcessRow, ProcessTable, Signaller } from '../processes/ports.ts';
import { CookieReader } from '../processes/cookie-reader.ts';
import { findMembers, type Member } from '../processes/tree.ts';
import type { TreeSpec } from '../processes/tree-spec.ts';

/** Members that cannot be held by a pidfd (another user's) are looked at this often, in milliseconds. */
const UNHELD_LOOK_MS = 1_000;
/** A scan is not one instant: what forks just then shows in the next. */
const PROOF_SCANS = 2;

/**
 * Waits, without signalling anyone, until the tree is empty or the time is over. Asleep in between: a death wakes it, not a clock.
 * @returns the living members; [] is proven by two scans
 */
export async function waitUntilEmpty(
  ports: { readonly table: ProcessTable; readonly signaller: Signaller; readonly clock: Clock },
  specNow: () => TreeSpec,
  timeoutMs: number,
): Promise<readonly Member[]> {
  const deadline = ports.clock.monotonicMs() + timeoutMs;
  const cookies = new CookieReader(ports.table);
  let rows: readonly ProcessRow[] = [];
  for (let empty = 0; ;) {
    // After a scan that found nobody it is enough to look at whom that one has not seen.
    const started = empty === 0 ? null : ports.table.listNew?.(rows);
    rows = started ? [...rows, ...started] : ports.table.list();
    if (!started) cookies.keepOnly(rows);
    const members = findMembers(specNow(), rows, ports.table, cookies);
    empty = members.length === 0 ? empty + 1 : 0;
    if (empty === PROOF_SCANS) return [];
    const leftMs = deadline - ports.clock.monotonicMs();
    if (members.length > 0 && leftMs <= 0) return members;
    if (members.length > 0) await waitForAllToDie(ports, members, leftMs);
  }
}

/** Newcomers do not matter here: they descend from someone who is waited for, and show in the next scan. */
async function waitForAllToDie(
  { table, signaller, clock }: { readonly table: ProcessTable; readonly signaller: Signaller; readonly clock: Clock },
  members: readonly Member[],
  timeoutMs: number,
): Promise<void> {
  const deadline = clock.monotonicMs() + timeoutMs;
  const held = new Map<string, ProcessHandle>();
  let denied = 0;
  try {
    for (const { row } of members) {
      const opened = signaller.open(identityIn(table.realm, row));
      if (opened.kind === 'open') held.set(identityKey(row), opened.handle);
      if (opened.kind === 'denied') denied += 1;
    }
    if (held.size === 0 && denied > 0) await clock.sleep(Math.min(UNHELD_LOOK_MS, timeoutMs));
    for (let leftMs = timeoutMs; held.size > 0 && leftMs > 0; leftMs = deadline - clock.monotonicMs()) {
      for (const handle of await signaller.waitAny([...held.values()], Math.min(leftMs, MAX_TIMER_MS))) {
        held.delete(identityKey(handle.identity));
        handle.close();
      }
    }
  } finally {
    for (const handle of held.values()) handle.close();
  }
}
