import { formatCost, fromUsd } from '../limits/amount.ts';
import type { RunJson } from '../runs/view.ts';
import { commandLine, count, formatDuration, paint, plain } from './format.ts';
import type { Colour } from './format.ts';
import { renderTable } from './table.ts';
import type { TableOptions } from './table.ts';

const STATE_COLOURS: Readonly<Record<RunJson['state'], Colour>> = {
  starting: 'yellow',
  running: 'green',
  paused: 'yellow',
  interrupting: 'yellow',
  stopping: 'yellow',
  lingering: 'yellow',
  completed: 'dim',
  failed: 'red',
  interrupted: 'dim',
  stale: 'red',
};

/** `reeve ps` for people: one line per run. */
export function renderRuns(runs: readonly RunJson[], options: TableOptions & { readonly now: number }): string {
  if (runs.length === 0) return 'no runs\n';
  return renderTable(
    [
      { title: 'RUN', value: (run) => run.id },
      { title: 'NAME', value: (run) => plain(run.name ?? '') },
      { title: 'STATE', value: (run) => paint(run.state, STATE_COLOURS[run.state], options.color) },
      { title: 'AGE', value: (run) => ageOf(run, options.now), align: 'right' },
      { title: 'COST', value: (run) => costOf(run), align: 'right' },
      { title: 'TURNS', value: (run) => (run.usage === null ? '' : String(run.usage.turns)), align: 'right' },
      { title: 'PROJECT', value: (run) => plain(run.project.slice(run.project.lastIndexOf('/') + 1)) },
      { title: 'BRANCH', value: (run) => plain(run.branch ?? '') },
      { title: 'END', value: (run) => endOf(run) },
      { title: 'COMMAND', value: (run) => commandLine(run.command, run.args), flexible: true },
    ],
    runs,
    options,
  );
}

/** `reeve inspect` for people: one field per line, absent ones left out. */
export function renderRun(run: RunJson, options: { readonly color: boolean; readonly now: number }): string {
  const fields: readonly (readonly [string, string | null])[] = [
    ['run', run.id],
    ['name', run.name],
    ['state', paint(run.state, STATE_COLOURS[run.state], options.color)],
    ['end', endOf(run)],
    ['error', run.error],
    ['command', commandLine(run.command, run.args)],
    ['agent', run.agent],
    ['folder', run.cwd],
    ['worktree', run.worktree],
    ['project', run.project],
    ['branch', run.branch],
    ['process', run.identity === null ? null : `PID ${run.identity.pid}, group ${run.processGroupId}`],
    ['started', run.startedAt],
    ['ended', run.completedAt],
    ['age', ageOf(run, options.now)],
    ['cost', costOf(run)],
    ['tokens', run.usage === null ? null : run.usage.tokens.toLocaleString('en-US')],
    ['turns', turnsOf(run)],
    ['parent run', run.parentRunId],
    ['source', run.source],
    ['owner', pairs({ ...run.owner })],
    ['labels', pairs(run.labels)],
  ];
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== null && field[1] !== '');
  const width = Math.max(...shown.map(([name]) => name.length));
  return shown
    .map(
      ([name, value]) =>
        `${paint(name.padEnd(width), 'dim', options.color)}  ${name === 'state' ? value : plain(value)}\n`,
    )
    .join('');
}

/** From the start to the end, or to now. */
function ageOf(run: RunJson, now: number): string {
  const end = run.completedAt === null ? now : Date.parse(run.completedAt);
  return formatDuration(Math.max(0, end - Date.parse(run.startedAt ?? run.createdAt)));
}

function costOf({ usage }: RunJson): string {
  if (usage === null) return '';
  const { costUsd, unpricedTokens } = usage;
  return formatCost({ costMicroUsd: costUsd === null ? null : fromUsd(costUsd), unpricedTokens });
}

function turnsOf({ usage }: RunJson): string | null {
  return usage === null ? null : `${usage.turns} (${count(usage.toolTurns, 'answer')} with tool calls)`;
}

function endOf(run: RunJson): string {
  if (run.endReason === null) return '';
  if (run.endReason === 'exit') return `exit ${run.exitCode ?? '?'}`;
  if (run.endReason === 'signal') return run.signal ?? 'signal';
  return run.endReason;
}

function pairs(values: Readonly<Record<string, string | null>>): string {
  return Object.entries(values)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}
