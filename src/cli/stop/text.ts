import type { Receipt } from '../../processes/receipt.ts';
import { count, plain } from '../format.ts';
import { renderTable } from '../table.ts';
import type { TableOptions } from '../table.ts';
import type { StopTarget } from './plan.ts';

/** How people know a target: the run's name and id, or the agent that reeve did not start. */
export function titleOf(target: StopTarget): string {
  if (target.kind === 'agent')
    return `${target.agent.kind ?? 'agent'} (PID ${target.agent.identity.pid}, not started by reeve) in ${plain(target.agent.cwd ?? '?')}`;
  const { id, name } = target.record.intent;
  return name === null ? id : `${plain(name)} (${id})`;
}

/** What `stop --dry-run` shows: who would be signalled, in no particular order, and how it is known to belong. */
export function renderPlan(targets: readonly StopTarget[], options: TableOptions): string {
  return targets
    .map((target) => {
      const members = renderTable(
        [
          { title: 'PID', value: ({ row }) => String(row.pid), align: 'right' },
          { title: 'NAME', value: ({ row }) => plain(row.comm) },
          { title: 'VIA', value: ({ via }) => via },
        ],
        target.members,
        options,
      );
      const wouldEnd = `would end ${count(target.members.length, 'process', 'processes')}`;
      return `${titleOf(target)}: ${wouldEnd}\n${target.members.length === 0 ? '' : members.replaceAll(/^(?=.)/gmu, '  ')}`;
    })
    .join('');
}

/** What `stop --json` calls a target: the run's id, or for an agent outside every run null and what is known of it. */
export function targetJson(target: StopTarget): Readonly<Record<string, unknown>> {
  if (target.kind === 'run') return { runId: target.record.intent.id };
  const { agent } = target;
  return {
    runId: null,
    agent: agent.kind,
    pid: agent.identity.pid,
    startTicks: agent.identity.startTicks,
    cwd: agent.cwd,
  };
}

export function planJson(targets: readonly StopTarget[]): unknown {
  return {
    targets: targets.map((target) => ({
      ...targetJson(target),
      processes: target.members.map(({ row, via }) => ({
        pid: row.pid,
        startTicks: row.startTicks,
        comm: row.comm,
        via,
      })),
    })),
  };
}

export function receiptJson(target: StopTarget, receipt: Receipt): unknown {
  return { ...targetJson(target), ...receipt };
}
