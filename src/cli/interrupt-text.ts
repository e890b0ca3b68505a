import type { InterruptedRun, InterruptReport } from '../runs/interrupt.ts';
import { isTerminal } from '../runs/lifecycle.ts';
import type { RunRecord } from '../runs/record.ts';
import { commandLine, count, plain } from './format.ts';
import { renderTable, type TableOptions } from './table.ts';

/** `reeve interrupt` for people: a line per run, and what it adds up to. */
export function renderInterrupt(
  report: InterruptReport,
  selected: readonly RunRecord[],
  { dryRun, table }: { readonly dryRun: boolean; readonly table: TableOptions },
): string {
  const commands = new Map(selected.map(({ intent }) => [intent.id, commandLine(intent.command, intent.args)]));
  const rows = renderTable(
    [
      { title: 'RUN', value: ({ id }: InterruptedRun) => id },
      { title: 'OUTCOME', value: (run) => outcomeText(run, dryRun) },
      { title: 'PIDS', value: ({ processes }) => processes.map(({ pid }) => pid).join(' ') },
      { title: 'COMMAND', value: ({ id }) => commands.get(id) ?? '' },
    ],
    report.runs,
    table,
  );
  const { matched, signaled, stale, unavailable } = report;
  const verb = dryRun ? 'would be signalled' : 'signalled';
  return `${rows}${count(matched, 'run')} matched: ${signaled} ${verb}, ${stale} stale, ${unavailable} unavailable\n`;
}

function outcomeText({ outcome, error, state }: InterruptedRun, dryRun: boolean): string {
  if (outcome !== 'signaled') return `${outcome}: ${plain(error ?? '')}`;
  if (dryRun) return 'would be signalled';
  return isTerminal(state) ? state : `goes on (${state})`;
}
