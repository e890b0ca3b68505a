import { CookieReader } from '../processes/cookie-reader.ts';
import { hiddenSuspects } from '../processes/hidden.ts';
import { isAlive as isAliveNow } from '../processes/identity-of.ts';
import { identityKey, isHidden, sameRealm, type Identity } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { findMembers, isDead } from '../processes/tree.ts';
import type { TreeSpec } from '../processes/tree-spec.ts';
import type { Survey, Verifier } from './registry-ports.ts';
import type { RunRecord } from './record.ts';
import { treeSpecOf } from './tree-of-run.ts';

/** A verifier over the process table. `startedAtOf` turns start ticks into epoch ms; `exclude` are processes that belong to no run. */
export function createTableVerifier(ports: {
  readonly table: ProcessTable;
  readonly startedAtOf: (startTicks: number) => number;
  readonly exclude?: () => readonly Identity[];
}): Verifier {
  const { table, startedAtOf } = ports;
  return {
    realm: table.realm,
    observe(pid) {
      const seenTicks = table.nowTicks?.();
      const row = table.read(pid);
      if (row === null || isDead(row) || isHidden(row)) return null;
      const identity = { ...table.realm, pid, startTicks: row.startTicks };
      return {
        identity,
        processGroupId: row.pgid,
        sessionId: row.sid,
        startedAt: startedAtOf(row.startTicks),
        ...(seenTicks !== undefined && { seenTicks }),
      };
    },
    survey: () => surveyTable(table, ports.exclude?.() ?? []),
  };
}

/** One pass over the process table, shared by all records that are compared with it. */
export function surveyTable(table: ProcessTable, exclude: readonly Identity[]): Survey {
  const rows = table.list();
  const living = new Set(rows.filter((row) => !isDead(row)).map(identityKey));
  const sessions = new Set(rows.map((row) => row.sid));
  const cookies = new CookieReader(table);
  // A command that is shown no more has its PID as long as its parent, which is shown, has such a child.
  const unseen = new Set(rows.filter((row) => isHidden(row) && !isDead(row)).map(({ pid }) => pid));
  const isAlive = (identity: Identity): boolean =>
    sameRealm(identity, table.realm) &&
    (living.has(identityKey(identity)) ||
      (isHidden(identity) ? isAliveNow(identity, table) : unseen.has(identity.pid)));
  let carried: ReadonlySet<string> | null = null;

  /** Without a living root, with nobody in its session, and with its cookie in nobody's environment a tree is empty, which ten thousand records are told apart by. */
  function mayLive(spec: TreeSpec): boolean {
    if ([spec.shim, ...spec.roots].some((identity) => identity !== null && isAlive(identity))) return true;
    if (spec.session !== null && sessions.has(spec.session)) return true;
    carried ??= cookiesOf(rows, cookies);
    return spec.cookie !== null && carried.has(spec.cookie);
  }

  return {
    isAlive,
    membersOf(record) {
      const spec = treeSpecOf(record, { exclude });
      if (!mayLive(spec)) return [];
      return findMembers(spec, rows, table, cookies).map(({ row: { pid, startTicks, comm }, via }) => ({
        pid,
        startTicks,
        comm,
        via,
      }));
    },
    ...(table.hidden !== undefined && {
      suspectsOf: (record: RunRecord) => hiddenSuspects(treeSpecOf(record, { exclude }), table),
    }),
    cwdOf: (pid) => table.cwd(pid),
  };
}

/** Each cookie that a process carries, and those of the runs around it: `outer/inner` speaks for `outer` too. */
function cookiesOf(rows: readonly ProcessRow[], cookies: CookieReader): ReadonlySet<string> {
  const found = new Set<string>();
  for (const row of rows) {
    const cookie = isDead(row) ? null : cookies.read(row);
    if (cookie === null) continue;
    for (let end = cookie.length; end > 0; end = cookie.lastIndexOf('/', end - 1)) found.add(cookie.slice(0, end));
  }
  return found;
}
