import { identityKey } from '../processes/identity.ts';
import type { ProcessDetails, ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import type { RunRecord } from './record.ts';
import { runOfProcess, type ProcessView } from './run-of-process.ts';

/** An agent that reeve did not start. */
export interface UnsupervisedAgent {
  readonly kind: string;
  readonly row: ProcessRow;
  /** Null when it cannot be read: then nothing is known of where it works, and nothing is done about it. */
  readonly cwd: string | null;
}

export interface UnsupervisedPorts {
  readonly table: ProcessTable;
  readonly kindOf: (details: ProcessDetails) => string | null;
  /** Our own user: other people's agents are theirs. Null: everybody's are looked at. */
  readonly uid: number | null;
}

/** Looks for agents outside every run. Each process's program is read once, so that a look costs one pass over the table. */
export function createUnsupervisedWatch(ports: UnsupervisedPorts) {
  const { table } = ports;
  let kinds = new Map<string, string | null>();
  const view: ProcessView = {
    read: (pid) => table.read(pid),
    cookie: (pid) => table.environment(pid, COOKIE_VARIABLE),
  };

  function kindOf(row: ProcessRow, details: () => ProcessDetails): string | null {
    const known = kinds.get(keyOf(row));
    if (known !== undefined) return known;
    const read = details();
    return ports.uid === null || read.uid === ports.uid ? ports.kindOf(read) : null;
  }

  return {
    /**
     * The outermost process of each: an agent's own helpers of the same kind are not counted again.
     * @param rows all processes, of a moment ago. @defaultValue as they are now
     */
    look(live: readonly RunRecord[], rows: readonly ProcessRow[] = table.list()): readonly UnsupervisedAgent[] {
      const found = new Map<number, UnsupervisedAgent>();
      const next = new Map<string, string | null>();
      for (const row of rows) {
        if (row.state === 'Z' || row.state === 'X') continue;
        const kind = kindOf(row, () => table.details(row.pid));
        next.set(keyOf(row), kind);
        if (kind === null || runOfProcess(row, live, view) !== null) continue;
        found.set(row.pid, { kind, row, cwd: table.details(row.pid).cwd });
      }
      kinds = next;
      return [...found.values()].filter((agent) => found.get(agent.row.ppid)?.kind !== agent.kind);
    },
  };
}

/** The name changes with exec, and with it the program. */
function keyOf(row: ProcessRow): string {
  return `${identityKey(row)} ${row.comm}`;
}
