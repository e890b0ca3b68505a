import { setTimeout as delay } from 'node:timers/promises';
import type { Identity } from '../processes/identity.ts';
import { sameRealm } from '../processes/identity.ts';
import { OwnLine } from '../processes/own-line.ts';
import type { OpenResult, ProcessHandle, ProcessRow, SignalName, Signaller } from '../processes/ports.ts';
import { isDead } from '../processes/tree.ts';
import type { PsTable } from './ps-table.ts';

/**
 * A start time that was read longer ago is read again before a signal. This, the time that a listing takes, and the start times' whole seconds
 * are the window in which a signal could reach a stranger: the process would have to end, be taken by its parent, and its PID come round.
 */
const VERIFIED_FOR_MS = 100;
/** For a handle that was not used yet: a thousand processes that were just listed must not be read one by one. */
const LISTED_FOR_MS = 5_000;
/** How often it is looked whether the PIDs that are waited for still exist: a system call each, which signals nobody. */
const PROBE_MS = 20;
/** How often their rows are read, which also shows who is dead and not yet taken, and whose PID is another's now; doubling to the second. */
const FIRST_LOOK_MS = 100;
const MAX_LOOK_MS = 2_000;

class PidHandle implements ProcessHandle {
  readonly identity: Identity;
  exited = false;
  readonly #owner: KillSignaller;

  constructor(identity: Identity, owner: KillSignaller) {
    this.identity = identity;
    this.#owner = owner;
  }

  send(signal: SignalName): 'sent' | 'gone' | 'denied' {
    return this.exited ? 'gone' : this.#owner.send(this, signal);
  }

  close(): void {
    this.#owner.release(this);
  }
}

/**
 * Signals by kill(2), for systems without pidfds. Weaker than `src/linux`: nothing holds a PID between the reading of its start time and
 * the signal. See docs/adr/0009-portable-process-table.md for how wide that window is.
 */
export class KillSignaller implements Signaller {
  readonly #table: PsTable;
  readonly #line: OwnLine;
  readonly #open = new Set<PidHandle>();

  constructor(table: PsTable) {
    this.#table = table;
    this.#line = new OwnLine(process.pid, () => {
      const rows = new Map(table.list().map((row) => [row.pid, row]));
      return (pid) => rows.get(pid) ?? null;
    });
  }

  open(identity: Identity): OpenResult {
    this.#line.refuse(identity.pid);
    if (!sameRealm(identity, this.#table.realm)) return { kind: 'gone' };
    const isAlive =
      isSame(identity, this.#table.recent(identity.pid, LISTED_FOR_MS)) ||
      isSame(identity, this.#table.read(identity.pid));
    if (!isAlive) return { kind: 'gone' };
    const handle = new PidHandle(identity, this);
    this.#open.add(handle);
    return { kind: 'open', handle };
  }

  send(handle: PidHandle, signal: SignalName): 'sent' | 'gone' | 'denied' {
    const { identity } = handle;
    if (!isSame(identity, this.#table.recent(identity.pid, VERIFIED_FOR_MS))) {
      // All that are held are read at once: whoever signals one signals the others next.
      this.#look([...this.#open, handle]);
      if (handle.exited) return 'gone';
    }
    return kill(identity.pid, `SIG${signal}`);
  }

  async waitAny(
    handles: readonly ProcessHandle[],
    timeoutMs: number,
    givenUp?: AbortSignal,
  ): Promise<readonly ProcessHandle[]> {
    const own = handles.map(asOwn);
    const deadline = performance.now() + timeoutMs;
    let lookMs = FIRST_LOOK_MS;
    let nextLook = 0;
    for (;;) {
      for (const handle of own) if (kill(handle.identity.pid, 0) === 'gone') handle.exited = true;
      if (performance.now() >= nextLook && !own.some((handle) => handle.exited)) {
        this.#look(own);
        lookMs = nextLook === 0 ? FIRST_LOOK_MS : Math.min(lookMs * 2, MAX_LOOK_MS);
        nextLook = performance.now() + lookMs;
      }
      const exited = own.filter((handle) => handle.exited);
      const leftMs = deadline - performance.now();
      if (exited.length > 0 || leftMs <= 0 || givenUp?.aborted === true) return exited;
      await delay(Math.min(PROBE_MS, leftMs));
    }
  }

  release(handle: PidHandle): void {
    this.#open.delete(handle);
    handle.exited = true;
  }

  /** Reads the rows of these processes, and notes who has ended. */
  #look(handles: readonly PidHandle[]): void {
    const living = handles.filter((handle) => !handle.exited);
    if (living.length === 0) return;
    const rows = new Map(this.#table.readMany(living.map(({ identity }) => identity.pid)).map((row) => [row.pid, row]));
    for (const handle of living)
      if (!isSame(handle.identity, rows.get(handle.identity.pid) ?? null)) handle.exited = true;
  }
}

function isSame(identity: Identity, row: ProcessRow | null): boolean {
  return row !== null && row.startTicks === identity.startTicks && !isDead(row);
}

/** `signal` 0 asks only whether the PID exists ([kill(2)](https://man7.org/linux/man-pages/man2/kill.2.html)). */
function kill(pid: number, signal: NodeJS.Signals | 0): 'sent' | 'gone' | 'denied' {
  try {
    process.kill(pid, signal);
    return 'sent';
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ESRCH':
        return 'gone';
      case 'EPERM':
        return 'denied';
      default:
        throw error;
    }
  }
}

function asOwn(handle: ProcessHandle): PidHandle {
  if (handle instanceof PidHandle) return handle;
  throw new TypeError('the handle is of another signaller');
}
