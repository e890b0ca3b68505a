import { identityKey, sameRealm, type Identity, type Realm } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { findMembers, type Member } from '../processes/tree.ts';
import type { CookieReader } from '../processes/cookie-reader.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';
import type { InterruptPlan } from './registry-ports.ts';
import { treeSpecOf } from './tree-of-run.ts';

/** One pass over the process table. */
export interface Scan {
  readonly rows: readonly ProcessRow[];
  readonly table: ProcessTable;
  readonly cookies: CookieReader;
  readonly exclude: readonly Identity[];
}

/**
 * Whom a soft interrupt sends INT to: what Ctrl-C would reach, the members of the command's own process group, or all that is left when
 * the command is dead. What belongs to a run nested in this one is spared, its shim too: it has a record, and a scope, of its own.
 */
export function softTargets(
  record: RunRecord,
  active: readonly RunRecord[],
  scan: Scan,
): { readonly members: readonly Member[]; readonly targets: readonly Member[] } {
  const members = membersIn(record, scan);
  const leader = startedOf(record.current)?.identity;
  const leading = members.find(({ row }) => leader !== undefined && identityKey(row) === identityKey(leader));
  const spared = new Set(active.flatMap((other) => (isInside(other, record, members) ? sparedOf(other, scan) : [])));
  const targets = members.filter(
    ({ row }) => (leading === undefined || row.pgid === leading.row.pgid) && !spared.has(identityKey(row)),
  );
  return { members, targets };
}

/** Why a run cannot be reached from here; null when it can. */
export function outOfReach(
  { intent, current }: RunRecord,
  from: { readonly realm: Realm; readonly host: string },
): Exclude<InterruptPlan, { kind: 'signal' }> | null {
  const identity = startedOf(current)?.identity;
  if (identity === undefined) return { kind: 'unavailable', why: 'it has no process yet', elsewhere: false };
  if (current.state === 'paused')
    return { kind: 'unavailable', why: 'it is paused: resume it first, or interrupt it hard', elsewhere: false };
  if (sameRealm(identity, from.realm)) return null;
  const elsewhere = (place: string) =>
    ({ kind: 'unavailable', why: `it lives ${place} (${intent.host})`, elsewhere: true }) as const;
  if (intent.host !== from.host) return elsewhere('on another host');
  if (identity.bootId === from.realm.bootId) return elsewhere('in another PID namespace');
  return { kind: 'stale', why: 'the machine has been restarted since' };
}

function membersIn(record: RunRecord, { rows, table, cookies, exclude }: Scan): readonly Member[] {
  return findMembers(treeSpecOf(record, { exclude }), rows, table, cookies);
}

/** By the record, or because its command was found inside: a registered process may have joined without a word. */
function isInside(other: RunRecord, outer: RunRecord, members: readonly Member[]): boolean {
  if (other.intent.id === outer.intent.id) return false;
  const leader = startedOf(other.current)?.identity;
  const own = startedOf(outer.current)?.identity;
  if (leader === undefined) return other.intent.cookie.startsWith(`${outer.intent.cookie}/`);
  if (own !== undefined && identityKey(leader) === identityKey(own)) return false;
  return members.some(({ row }) => identityKey(row) === identityKey(leader));
}

function sparedOf(nested: RunRecord, scan: Scan): readonly string[] {
  const { shim } = nested.intent;
  return [...(shim === null ? [] : [identityKey(shim)]), ...membersIn(nested, scan).map(({ row }) => identityKey(row))];
}
