import { readdirSync, readFileSync } from 'node:fs';

/**
 * The tests' own view of what lives, read from /proc without any of reeve's code, so that a blind spot of reeve's process table
 * cannot hide itself. Zombies count as dead.
 */
export interface LiveProcess {
  readonly pid: number;
  readonly ppid: number;
  /** Start time in clock ticks since boot (proc(5), field 22 of stat): with the pid, the identity. */
  readonly startTicks: number;
  readonly comm: string;
  readonly argv: readonly string[];
}

/** Every live process that was started with `name=value` in its environment and is readable to us. */
export function livingWithEnvironment(name: string, value: string): readonly LiveProcess[] {
  const wanted = `\0${name}=${value}\0`;
  return living((pid) => `\0${readText(`/proc/${pid}/environ`)}`.includes(wanted));
}

/** Every live process of which one argument contains `text`. */
export function livingWithArgument(text: string): readonly LiveProcess[] {
  return living((pid) => readText(`/proc/${pid}/cmdline`).includes(text));
}

/** Whether that very process is still alive. */
export function isAlive(process: { readonly pid: number; readonly startTicks: number }): boolean {
  return readProcess(process.pid)?.startTicks === process.startTicks;
}

/** The process with this pid now, or null. */
export function readProcess(pid: number): LiveProcess | null {
  const stat = readText(`/proc/${pid}/stat`);
  const open = stat.indexOf('(');
  const close = stat.lastIndexOf(')');
  if (open === -1 || close === -1) return null;
  // Fields from the third on; the second, comm, may itself hold blanks and parentheses.
  const fields = stat.slice(close + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  const argv = readText(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);
  return { pid, ppid: Number(fields[1]), startTicks: Number(fields[19]), comm: stat.slice(open + 1, close), argv };
}

function living(matches: (pid: number) => boolean): readonly LiveProcess[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/u.test(entry) && matches(Number(entry)))
    .flatMap((entry) => readProcess(Number(entry)) ?? []);
}

/** The file's text; empty when the process is gone or not ours to read. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
