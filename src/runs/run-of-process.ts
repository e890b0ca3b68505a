import type { EnvironmentValue, ProcessRow } from '../processes/ports.ts';
import { identityKey } from '../processes/identity.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';

/** What is known of the processes at one moment. */
export interface ProcessView {
  read(pid: number): ProcessRow | null;
  /** The process's value of `REEVE_RUN`. */
  cookie(pid: number): EnvironmentValue;
}

/**
 * The innermost live run in whose tree a process is, or null: by descent from a run's shim or leader, else by the cookie that its
 * environment carries. The same evidence as for a tree, asked from the other end: one process's line upwards costs microseconds, a
 * tree costs a scan of all processes. Never by working folder or name.
 */
export function runOfProcess(row: ProcessRow, runs: readonly RunRecord[], view: ProcessView): RunRecord | null {
  return byDescent(row, runs, view) ?? byCookie(row, runs, view);
}

function byDescent(row: ProcessRow, runs: readonly RunRecord[], view: ProcessView): RunRecord | null {
  const owners = ownersByProcess(runs);
  // PIDs only ever come from rows that were just read; the walk ends at init, or where a parent is gone.
  for (let at: ProcessRow | null = row; at !== null && at.pid > 1; at = view.read(at.ppid)) {
    const owner = owners.get(identityKey(at));
    // The shim itself is no member, but nothing that asks about a shim descends from another process of its run.
    if (owner !== undefined) return owner;
  }
  return null;
}

/** Shims and leaders; a nested run's own come before those of the runs around it on every walk upwards. */
function ownersByProcess(runs: readonly RunRecord[]): ReadonlyMap<string, RunRecord> {
  const owners = new Map<string, RunRecord>();
  for (const run of runs) {
    const started = startedOf(run.current);
    if (run.intent.shim !== null) owners.set(identityKey(run.intent.shim), run);
    if (started !== null) owners.set(identityKey(started.identity), run);
  }
  return owners;
}

function byCookie(row: ProcessRow, runs: readonly RunRecord[], view: ProcessView): RunRecord | null {
  const found = view.cookie(row.pid);
  if (found.kind !== 'value') return null;
  const { value } = found;
  const carriers = runs.filter(({ intent }) => value === intent.cookie || value.startsWith(`${intent.cookie}/`));
  return carriers.toSorted((a, b) => b.intent.cookie.length - a.intent.cookie.length)[0] ?? null;
}
