import type { Command } from 'commander';
import { livingDaemon, reachDaemon } from '../../ipc/daemon-client.ts';
import type { DaemonStatus } from '../../ipc/protocol.ts';
import type { Identity } from '../../processes/identity.ts';
import { toWarningJson } from '../../limits/warning.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import type { RunStateName } from '../../runs/record.ts';
import type { Store } from '../../store/store.ts';
import { count, formatDuration, paint } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace, type Workplace } from '../open.ts';
import { currentWarnings, renderWarning, subjectOf } from '../warnings.ts';

/** As for every command that cannot reach the daemon. */
const NOT_RUNNING_EXIT_CODE = 69;
/** How long somebody who looks waits for a daemon that is busy. */
const PATIENCE_MS = 5_000;

type RunCounts = Readonly<Record<(typeof ACTIVE_STATES)[number], number>>;

export function define(command: Command, io: CliIo): Command {
  return command.option('--json', 'print the whole report').action(async (options: { readonly json?: boolean }) => {
    await using workplace = openWorkplace(io.env);
    const { status, trouble } = await askDaemon(workplace);
    const store = await workplace.store();
    const now = workplace.clock.now();
    const runs = await countRuns(store);
    const warnings = await currentWarnings(store, now);
    if (status === null) io.exitCode = NOT_RUNNING_EXIT_CODE;
    const report = {
      daemon: status === null ? null : daemonPart(status),
      reconcile: status?.reconcile ?? null,
      runs,
      watchers: status?.watchers ?? 0,
      unsupervised: status?.unsupervised ?? 0,
      warnings: warnings.map(toWarningJson),
      lastError: trouble ?? status?.lastError ?? null,
    };
    emit(io, options, report, () =>
      render(report, {
        color: io.color,
        now,
        warnings: warnings.map((warning) => `${renderWarning(warning, now)} (${subjectOf(warning)})`),
      }),
    );
  });
}

/** What the daemon says of itself; else why one that lives says nothing. */
async function askDaemon(
  workplace: Workplace,
): Promise<{ readonly status: DaemonStatus | null; readonly trouble: string | null }> {
  const { paths } = workplace;
  const reach = await reachDaemon(paths, PATIENCE_MS);
  if (reach.kind === 'answers') {
    reach.client.close();
    return { status: reach.status, trouble: null };
  }
  const living = livingDaemon(paths, (await workplace.processes()).table);
  return { status: null, trouble: living === null ? null : unreachableText(living, reach.kind) };
}

function unreachableText({ pid }: Identity, kind: 'silent' | 'nobody'): string {
  const why =
    kind === 'silent'
      ? `has answered nothing for ${PATIENCE_MS / 1_000} s`
      : 'cannot be reached: nobody listens on its socket';
  return `the daemon lives as PID ${pid}, and ${why}; \`reeve down\` ends it, \`reeve up\` starts another`;
}

interface Report {
  readonly daemon: ReturnType<typeof daemonPart> | null;
  readonly reconcile: DaemonStatus['reconcile'];
  readonly runs: RunCounts;
  readonly watchers: number;
  readonly unsupervised: number;
  /** What limits have said in their current periods. */
  readonly warnings: readonly object[];
  readonly lastError: string | null;
}

function daemonPart({ pid, version, startedAt, ready }: DaemonStatus) {
  return { pid, version, startedAt, ready, http: null };
}

async function countRuns(store: Store): Promise<RunCounts> {
  const active = await store.runs.list({ states: ACTIVE_STATES });
  const countOf = (state: RunStateName): number => active.filter((run) => run.current.state === state).length;
  return {
    starting: countOf('starting'),
    running: countOf('running'),
    paused: countOf('paused'),
    interrupting: countOf('interrupting'),
    stopping: countOf('stopping'),
    lingering: countOf('lingering'),
  };
}

function render(
  report: Report,
  { color, now, warnings }: { readonly color: boolean; readonly now: number; readonly warnings: readonly string[] },
): string {
  const { daemon, runs, watchers, unsupervised, lastError } = report;
  const lines: string[] = [];
  if (daemon === null && lastError !== null) lines.push(`daemon   ${paint('out of reach', 'red', color)}`);
  else if (daemon === null) lines.push(`daemon   ${paint('not running', 'yellow', color)} (runs with limits start it)`);
  else {
    const age = formatDuration(Math.max(0, now - Date.parse(daemon.startedAt)));
    const state = daemon.ready ? paint('ready', 'green', color) : paint('not ready yet', 'yellow', color);
    lines.push(`daemon   ${state}, pid ${daemon.pid}, version ${daemon.version}, up ${age}`);
  }
  const active = Object.entries(runs).filter(([, number]) => number > 0);
  lines.push(
    `runs     ${active.length === 0 ? 'none' : active.map(([state, number]) => `${number} ${state}`).join(', ')}`,
  );
  if (daemon !== null) lines.push(`watches  ${count(watchers, 'log folder')}`);
  if (unsupervised > 0)
    lines.push(`agents   ${paint(`${unsupervised} running that reeve did not start`, 'yellow', color)}`);
  for (const warning of warnings) lines.push(`warned   ${paint(warning, 'yellow', color)}`);
  if (lastError !== null) lines.push(`error    ${paint(lastError, 'red', color)}`);
  return `${lines.join('\n')}\n`;
}
