import type { Event } from '../../events.ts';
import { exitEventOf } from '../../runs/exit-event.ts';
import type { RunStore } from '../../runs/ports.ts';
import { reconcile } from '../../runs/reconcile.ts';
import type { MemberEvidence, Reconciliation, RunFinding } from '../../runs/reconcile.ts';
import { isShimAlive } from '../../runs/shim-life.ts';
import { stopRun } from '../../runs/stop-run.ts';
import { openRunClaims } from '../claim-ports.ts';
import { plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import type { Workplace } from '../open.ts';
import { daemonOf } from '../stop/plan.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** Time between TERM and KILL for an orphaned tree: the default of `reeve stop`. */
const GRACE_MS = 10_000;

export interface ExamineOptions {
  readonly fix: boolean;
  readonly io: CliIo;
  /** Told of what the fixing does to runs. */
  readonly record: (event: Event) => void;
}

/** Compares the records of active runs with what lives. With `fix`, closes what is proven over and ends what is proven orphaned. */
export async function examineRuns(
  workplace: Workplace,
  { fix, io, record }: ExamineOptions,
): Promise<{ readonly counts: Omit<Reconciliation, 'runs'>; readonly findings: readonly Finding[] }> {
  const { runs } = await workplace.store();
  const { table } = await workplace.processes();
  const ports = { runs: fix ? runs : withoutWrites(runs), table, clock: workplace.clock };
  const { runs: found, ...counts } = await reconcile(ports, {
    exclude: daemonOf(workplace),
    // Whoever registered a run may be about to say how it ended.
    trustRegistrant: () => true,
  });
  const findings: Finding[] = [];
  for (const each of found) {
    const end = fix ? exitEventOf(each.record) : null;
    if (end !== null) record(end);
    if (each.verdict !== 'recovered') findings.push(await toFinding(workplace, each, { fix, io, record }));
  }
  return { counts, findings };
}

/** Reconcile ends records that are proven over. To only look, it is given a store that keeps what it has. */
function withoutWrites(runs: RunStore): RunStore {
  return { ...runs, update: async (read) => read };
}

async function toFinding(
  workplace: Workplace,
  { record, verdict, why, members }: RunFinding,
  { fix, io, record: announce }: ExamineOptions,
): Promise<Finding> {
  const { id, name, shim } = record.intent;
  const subject = name === null ? id : `${id} (${plain(name)})`;
  const evidence = [why, ...members.map(memberText)];
  switch (verdict) {
    case 'recovered':
    case 'elsewhere':
      return finding({ kind: 'elsewhere', severity: 'note', subject, evidence });
    case 'stale':
    case 'unstarted':
      return finding({
        kind: verdict,
        severity: 'problem',
        subject,
        evidence,
        remedy: '`reeve doctor --fix` closes its record; the daemon does so when it starts',
        fixed: fix ? 'its record is closed' : null,
      });
    case 'orphaned': {
      const { table, signaller, self } = await workplace.processes();
      // While the shim lives it is about to end the rest itself: nothing is proven yet.
      const isProven = !isShimAlive(shim, table);
      const orphan = { kind: 'orphaned', severity: 'problem', subject, evidence } as const;
      if (!fix || !isProven)
        return finding({
          ...orphan,
          remedy: isProven
            ? '`reeve doctor --fix` ends what is left of it'
            : `\`reeve stop ${id}\` ends what is left of it`,
        });
      const { runs } = await workplace.store();
      const exclude = () => daemonOf(workplace);
      const claims = await openRunClaims(workplace, io);
      const ports = { runs, table, signaller, self, clock: workplace.clock, claims, announce, exclude };
      const { receipt } = await stopRun(ports, {
        record,
        reason: 'stop',
        message: why,
        graceMs: GRACE_MS,
      });
      const fixed = receipt.provenEmpty ? 'its tree is ended and its record closed' : null;
      return finding({ ...orphan, receipt, fixed, remedy: fixed === null ? `\`reeve stop ${id}\` tries again` : null });
    }
  }
}

function memberText({ pid, comm, cwd, via }: MemberEvidence): string {
  return `PID ${pid} ${plain(comm)} lives on, known by ${via}${cwd === null ? '' : `, in ${plain(cwd)}`}`;
}
