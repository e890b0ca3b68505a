import { ReeveError } from '../errors.ts';
import type { ProcessRow } from './ports.ts';

/** Reads one row at the moment of asking; null when there is no such process. */
type Read = (pid: number) => ProcessRow | null;

/**
 * Whom a signaller refuses whatever else is true of them: PIDs that mean more than one process, this process, and its ancestors.
 *
 * Orphans are adopted by an ancestor, so the line never grows; it shrinks when a parent ends, which is looked at when a relative is about
 * to be refused.
 */
export class OwnLine {
  readonly #ownPid: number;
  readonly #look: () => Read;
  #pids: ReadonlySet<number>;

  /** @param look begins a new look at the process table */
  constructor(ownPid: number, look: () => Read) {
    this.#ownPid = ownPid;
    this.#look = look;
    this.#pids = lineOf(ownPid, look());
  }

  /** @throws SIGNAL_REFUSED */
  refuse(pid: number): void {
    if (!Number.isSafeInteger(pid) || pid <= 1)
      throw new ReeveError('SIGNAL_REFUSED', `no signal is sent to PID ${pid}`, {
        hint: 'PIDs of 1 and below mean init, a whole process group or everything.',
      });
    if (!this.#pids.has(pid)) return;
    this.#pids = lineOf(this.#ownPid, this.#look());
    if (!this.#pids.has(pid)) return;
    const what = pid === this.#ownPid ? 'this process itself' : 'an ancestor of this process';
    throw new ReeveError('SIGNAL_REFUSED', `PID ${pid} is ${what}`, {
      hint: 'Stop it from outside its tree.',
    });
  }
}

function lineOf(ownPid: number, read: Read): ReadonlySet<number> {
  const line = new Set<number>();
  for (let pid = ownPid; pid > 0 && !line.has(pid);) {
    const row = read(pid);
    if (row === null) break;
    line.add(pid);
    pid = row.ppid;
  }
  return line;
}
