import { findInWorktree, type FoundProcess } from '../processes/kill.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';

/**
 * Agents, and processes of any run, that work in a worktree. A person's shell or editor is neither.
 * @param worktree real path of the worktree's root
 */
export function findWorkers(
  ports: { readonly table: ProcessTable; readonly worktreeOf: (folder: string) => string | null },
  worktree: string,
): readonly FoundProcess[] {
  const isOfRun = (pid: number): boolean => ports.table.environment(pid, COOKIE_VARIABLE).kind === 'value';
  return findInWorktree(ports, worktree).filter(({ identity, kind }) => kind !== null || isOfRun(identity.pid));
}

/** `claude (PID 12)`. */
export function describeWorker({ identity, kind, comm }: FoundProcess): string {
  return `${kind ?? comm} (PID ${identity.pid})`;
}
