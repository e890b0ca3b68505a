import type { EnvironmentValue, ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';

/**
 * A process table as it was at the first look. For listing many claims: each is judged by the same rows, and no environment is read twice.
 * What is to be taken over is looked at anew.
 */
export function snapshotOf(table: ProcessTable): ProcessTable {
  let rows: readonly ProcessRow[] | null = null;
  let byPid: ReadonlyMap<number, ProcessRow> | null = null;
  const environments = new Map<string, EnvironmentValue>();
  const list = (): readonly ProcessRow[] => (rows ??= table.list());
  return {
    realm: table.realm,
    ticksPerSecond: table.ticksPerSecond,
    ...(table.hidden !== undefined && { hidden: table.hidden }),
    list,
    listNew: () => [],
    read(pid) {
      byPid ??= new Map(list().map((row) => [row.pid, row]));
      // Of the hidden the rows have only children of the visible.
      return byPid.get(pid) ?? (table.hidden === undefined ? null : table.read(pid));
    },
    details: (pid): ProcessDetails => table.details(pid),
    cwd: (pid) => table.cwd(pid),
    environment(pid, name) {
      const key = `${pid} ${name}`;
      const known = environments.get(key) ?? table.environment(pid, name);
      environments.set(key, known);
      return known;
    },
  };
}
