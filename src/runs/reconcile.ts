import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { CookieReader } from '../processes/cookie-reader.ts';
import { identityKey, type Identity } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { findMembers, isDead, type Member } from '../processes/tree.ts';
import type { MemberVia } from '../processes/tree-spec.ts';
import { judgeRun, type Verdict } from './judge-run.ts';
import { ACTIVE_STATES, isTerminal, nextState } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunRecord } from './record.ts';
import { treeSpecOf } from './tree-of-run.ts';

export interface ReconcilePorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
}

/** A process of an orphaned run: what a person needs to recognise it. */
export interface MemberEvidence {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
  /** Null: unreadable. */
  readonly cwd: string | null;
  readonly via: MemberVia;
}

export interface RunFinding {
  /** As it is on record after the reconciliation. */
  readonly record: RunRecord;
  readonly verdict: Verdict;
  readonly why: string;
  /** Of an orphaned run; else empty. */
  readonly members: readonly MemberEvidence[];
}

/** `checked` is the sum of the next four. Runs of another PID namespace are in `runs` alone. */
export interface Reconciliation {
  readonly checked: number;
  readonly recovered: number;
  readonly stale: number;
  readonly unstarted: number;
  readonly orphaned: number;
  readonly runs: readonly RunFinding[];
}

/** One look at all processes: every run is compared with the same rows. */
interface Scan {
  readonly rows: readonly ProcessRow[];
  readonly living: ReadonlySet<string>;
  readonly cookies: CookieReader;
}

/**
 * Compares every active record with the process table and ends the records of which nothing lives. Sends no signal: what is orphaned is
 * reported with evidence, and stopped only on request.
 */
export async function reconcile(
  ports: ReconcilePorts,
  options: { readonly exclude?: readonly Identity[] } = {},
): Promise<Reconciliation> {
  const records = await ports.runs.list({ states: ACTIVE_STATES });
  const scan = scanTable(ports.table);
  const exclude = options.exclude ?? [];
  const findings: RunFinding[] = [];
  for (const record of records) {
    const finding = await settle(ports, { record, scan, exclude });
    if (finding !== null) findings.push(finding);
  }
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length;
  const [recovered, stale, unstarted, orphaned] = [
    count('recovered'),
    count('stale'),
    count('unstarted'),
    count('orphaned'),
  ];
  return { checked: recovered + stale + unstarted + orphaned, recovered, stale, unstarted, orphaned, runs: findings };
}

/** Judges a run and writes what follows; again with a fresh look when it changed meanwhile. Null: it ended by itself. */
async function settle(
  ports: ReconcilePorts,
  look: { readonly record: RunRecord; readonly scan: Scan; readonly exclude: readonly Identity[] },
): Promise<RunFinding | null> {
  const { runs, table, clock } = ports;
  const { record, scan, exclude } = look;
  const members = findMembers(treeSpecOf(record, { exclude }), scan.rows, table, scan.cookies);
  const isAlive = (identity: Identity) => scan.living.has(identityKey(identity));
  const now = clock.now();
  const { verdict, why, event } = judgeRun(record, { realm: table.realm, isAlive, members: members.length }, now);
  const evidence = verdict === 'orphaned' ? members.map((member) => evidenceOf(member, table)) : [];
  if (event === null) return { record, verdict, why, members: evidence };
  try {
    return { record: await runs.update(record, nextState(record.current, event), now), verdict, why, members: [] };
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    if (error.code === 'RUN_ENDED' || error.code === 'RUN_NOT_FOUND') return null;
    if (error.code !== 'RUN_CONFLICT') throw error;
    const fresh = await runs.get(record.intent.id);
    if (fresh === null || isTerminal(fresh.current.state)) return null;
    return settle(ports, { record: fresh, scan: scanTable(table), exclude });
  }
}

function scanTable(table: ProcessTable): Scan {
  const rows = table.list();
  const living = new Set(rows.filter((row) => !isDead(row)).map(identityKey));
  return { rows, living, cookies: new CookieReader(table) };
}

function evidenceOf({ row, via }: Member, table: ProcessTable): MemberEvidence {
  const { pid, startTicks, comm } = row;
  return { pid, startTicks, comm, cwd: table.details(pid).cwd, via };
}
