import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import type { MemberVia } from '../processes/tree-spec.ts';
import { judgeRun, type Verdict } from './judge-run.ts';
import { ACTIVE_STATES, isTerminal, nextState } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';
import type { SeenProcess, Survey, Verifier } from './registry-ports.ts';
import { surveyTable } from './survey.ts';

export interface ReconcilePorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
}

export interface ReconcileOptions {
  /** Processes that belong to no run: the daemon. */
  readonly exclude?: readonly Identity[];
  /**
   * Asked about a run of which nothing lives but the process that registered it, which speaks for it and knows its exit: true leaves the
   * run alone. @defaultValue never, as after a restart of the one that reconciles
   */
  readonly trustRegistrant?: (record: RunRecord) => boolean;
  /** Only these runs. */
  readonly ids?: readonly RunId[];
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

/**
 * Compares every active record with the process table and ends the records of which nothing lives. Sends no signal: what is orphaned is
 * reported with evidence, and stopped only on request.
 */
export async function reconcile(ports: ReconcilePorts, options: ReconcileOptions = {}): Promise<Reconciliation> {
  const { table, runs, clock } = ports;
  const survey = (): Survey => surveyTable(table, options.exclude ?? []);
  return reconcileWith({ runs, clock, verifier: { realm: table.realm, survey } }, options);
}

/** {@link reconcile} by another's word about the processes. */
export async function reconcileWith(
  ports: VerifiedPorts,
  options: Pick<ReconcileOptions, 'trustRegistrant' | 'ids'> = {},
): Promise<Reconciliation> {
  const { ids, trustRegistrant = () => false } = options;
  const records = await ports.runs.list({ states: ACTIVE_STATES, ...(ids !== undefined && { ids }) });
  const survey = ports.verifier.survey();
  const findings: RunFinding[] = [];
  for (let from = 0; from < records.length; from += SETTLED_TOGETHER) {
    const some = records.slice(from, from + SETTLED_TOGETHER);
    const settled = await Promise.all(some.map((record) => settle(ports, { record, survey, trustRegistrant })));
    findings.push(...settled.filter((finding) => finding !== null));
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

/** Their writes wait for the disk together, and nobody else waits for them for more than some tens of milliseconds. */
const SETTLED_TOGETHER = 500;

interface VerifiedPorts {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly verifier: Pick<Verifier, 'realm' | 'survey'>;
}

interface Look {
  readonly record: RunRecord;
  readonly survey: Survey;
  readonly trustRegistrant: (record: RunRecord) => boolean;
}

/** Judges a run and writes what follows; again with a fresh look when it changed meanwhile. Null: it ended by itself. */
async function settle(ports: VerifiedPorts, look: Look): Promise<RunFinding | null> {
  const { runs, verifier, clock } = ports;
  const { record, survey, trustRegistrant } = look;
  let found: readonly SeenProcess[] | null = null;
  const members = (): readonly SeenProcess[] => (found ??= survey.membersOf(record));
  const now = clock.now();
  const hasMembers = (): boolean => members().length > 0;
  const suspects = (): readonly number[] => survey.suspectsOf?.(record) ?? [];
  const seen = { realm: verifier.realm, isAlive: survey.isAlive, hasMembers, suspects, trustRegistrant };
  const { verdict, why, event } = judgeRun(record, seen, now);
  const evidence = verdict === 'orphaned' ? members().map((member) => evidenceOf(member, survey)) : [];
  if (event === null) return { record, verdict, why, members: evidence };
  try {
    return { record: await runs.update(record, nextState(record.current, event), now), verdict, why, members: [] };
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    if (error.code === 'RUN_ENDED' || error.code === 'RUN_NOT_FOUND') return null;
    if (error.code !== 'RUN_CONFLICT') throw error;
    const fresh = await runs.get(record.intent.id);
    if (fresh === null || isTerminal(fresh.current.state)) return null;
    return settle(ports, { ...look, record: fresh, survey: verifier.survey() });
  }
}

function evidenceOf({ pid, startTicks, comm, via }: SeenProcess, survey: Survey): MemberEvidence {
  return { pid, startTicks, comm, cwd: survey.cwdOf(pid), via };
}
