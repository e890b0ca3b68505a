import type { MemberVia } from '../processes/tree-spec.ts';
import { commandLine, formatBytes, formatDuration, plain } from './format.ts';
import { renderTable } from './table.ts';
import type { TableOptions } from './table.ts';

/** One process of a run's tree, as `reeve tree --json` prints it. Null = unreadable. */
export interface TreeProcess {
  readonly pid: number;
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  readonly startTicks: number;
  readonly comm: string;
  readonly argv: readonly string[] | null;
  readonly cwd: string | null;
  readonly rssBytes: number | null;
  readonly cpuMs: number | null;
  readonly state: string;
  /** How it is known to belong to the run. */
  readonly via: MemberVia;
}

interface Line {
  readonly process: TreeProcess;
  /** The branches drawn before the command: `│  └─ `. */
  readonly branch: string;
}

/** A run's processes as a tree: children below their parents, reparented ones at the top level. */
export function renderProcessTree(processes: readonly TreeProcess[], options: TableOptions): string {
  return renderTable<Line>(
    [
      { title: 'PID', value: ({ process }) => String(process.pid), align: 'right' },
      { title: 'STATE', value: ({ process }) => process.state },
      {
        title: 'CPU',
        value: ({ process }) => (process.cpuMs === null ? '?' : formatDuration(process.cpuMs)),
        align: 'right',
      },
      {
        title: 'MEMORY',
        value: ({ process }) => (process.rssBytes === null ? '?' : formatBytes(process.rssBytes)),
        align: 'right',
      },
      // Descent is the rule; only what was found otherwise needs a word.
      { title: 'VIA', value: ({ process }) => (process.via === 'descent' ? '' : process.via) },
      { title: 'COMMAND', value: ({ process, branch }) => branch + commandOf(process), flexible: true },
    ],
    toLines(processes),
    options,
  );
}

function commandOf(process: TreeProcess): string {
  const [command, ...args] = withoutPadding(process.argv ?? []);
  return command === undefined ? `[${plain(process.comm)}]` : commandLine(command, args);
}

/** A process that gives itself a title (Node's `process.title`) writes it over its arguments, and what it does not fill is left empty. */
function withoutPadding(argv: readonly string[]): readonly string[] {
  const filled = argv.findLastIndex((word) => word !== '') + 1;
  return argv.length - filled > 1 ? argv.slice(0, filled) : argv;
}

function toLines(processes: readonly TreeProcess[]): readonly Line[] {
  const members = new Set(processes.map((process) => process.pid));
  const childrenOf = Map.groupBy(processes, (process) => (members.has(process.ppid) ? process.ppid : null));
  const lines: Line[] = [];
  // Iterative: a chain of processes may be deeper than the stack.
  const waiting = rootsFirst(childrenOf.get(null) ?? [], '', true);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    lines.push({ process: next.process, branch: next.branch });
    waiting.push(...rootsFirst(childrenOf.get(next.process.pid) ?? [], next.indent, false));
  }
  return lines;
}

interface Waiting extends Line {
  readonly indent: string;
}

/** In reverse, because the end of the list is taken first. */
function rootsFirst(processes: readonly TreeProcess[], indent: string, isTop: boolean): Waiting[] {
  return processes
    .map((process, index) => {
      const isLast = index === processes.length - 1;
      return isTop
        ? { process, branch: '', indent: '' }
        : { process, branch: `${indent}${isLast ? '└─ ' : '├─ '}`, indent: `${indent}${isLast ? '   ' : '│  '}` };
    })
    .toReversed();
}
