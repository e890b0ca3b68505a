import { readFileSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import { HIDDEN_START, isHidden, sameRealm } from '../processes/identity.ts';
import { OwnLine } from '../processes/own-line.ts';
import type { OpenResult, ProcessHandle, ProcessRow, ProcessTable, SignalName, Signaller } from '../processes/ports.ts';
import { isDead } from '../processes/tree.ts';
import { ExitWatch } from './exit-watch.ts';
import { hiddenStart } from './hidden-process.ts';
import { closePidfd, hasExited, openPidfd, sendThroughPidfd } from './pidfd.ts';

/** Descriptors that pidfds leave alone: /proc, sockets and the store need some even while a thousand processes are held. */
const RESERVED_DESCRIPTORS = 128;
/** How often a process without a held pidfd is looked at. */
const UNHELD_POLL_MS = 10;

/** How often a process is looked at that /proc shows and hides by turns, as one that may or may not be traced. */
const MAX_LOOKS = 20;

/** A handle. Without a descriptor (too many are held) every use opens and verifies one anew. */
class PidfdHandle implements ProcessHandle {
  readonly identity: Identity;
  exited = false;
  fd: number;
  readonly #owner: PidfdSignaller;

  constructor(identity: Identity, fd: number, owner: PidfdSignaller) {
    this.identity = identity;
    this.fd = fd;
    this.#owner = owner;
  }

  send(signal: SignalName): 'sent' | 'gone' | 'denied' {
    if (this.exited) return 'gone';
    if (this.fd >= 0) return sendThroughPidfd(this.fd, signal);
    return this.#owner.sendUnheld(this.identity, signal);
  }

  isAlive(): boolean {
    return this.fd >= 0 && !this.exited && !hasExited(this.fd);
  }

  close(): void {
    this.#owner.release(this);
  }
}

interface Waiter {
  readonly handles: readonly PidfdHandle[];
  readonly settle: (exited: readonly PidfdHandle[]) => void;
}

/** Signals through pidfds: see {@link Signaller}. One per process. */
export class PidfdSignaller implements Signaller {
  readonly #table: ProcessTable;
  readonly #line: OwnLine;
  readonly #exits = new ExitWatch(() => this.#wake());
  readonly #waiters = new Set<Waiter>();
  readonly #maxHeld = readDescriptorLimit() - RESERVED_DESCRIPTORS;
  #held = 0;

  constructor(table: ProcessTable) {
    this.#table = table;
    this.#line = new OwnLine(process.pid, () => (pid) => table.read(pid));
  }

  open(identity: Identity): OpenResult {
    this.#line.refuse(identity.pid);
    if (!sameRealm(identity, this.#table.realm)) return { kind: 'gone' };
    const opened = openPidfd(identity.pid);
    if (opened.kind === 'exhausted') return this.#openUnheld(identity);
    if (opened.kind !== 'open') return opened;
    // Only now: what has this start time now had it when the descriptor was made.
    const kind = this.#verify(identity, opened.fd);
    if (kind !== 'same') {
      closePidfd(opened.fd);
      return { kind };
    }
    if (this.#held >= this.#maxHeld) {
      closePidfd(opened.fd);
      return this.#openUnheld(identity);
    }
    this.#held += 1;
    return { kind: 'open', handle: new PidfdHandle(identity, opened.fd, this) };
  }

  waitAny(
    handles: readonly ProcessHandle[],
    timeoutMs: number,
    givenUp?: AbortSignal,
  ): Promise<readonly ProcessHandle[]> {
    const own = handles.map((handle) => asOwn(handle));
    for (const handle of own) if (handle.fd >= 0) this.#exits.add(handle);
    // An exit is told once: what is found here may be what somebody else waits for.
    this.#wake();
    const exited = this.#exitedAmong(own);
    if (exited.length > 0 || timeoutMs <= 0 || givenUp?.aborted === true) return Promise.resolve(exited);
    return new Promise((resolve) => {
      const giveUp = (): void => waiter.settle([]);
      const timer = setTimeout(giveUp, timeoutMs);
      givenUp?.addEventListener('abort', giveUp, { once: true });
      const poll = own.some((handle) => handle.fd < 0) ? setInterval(() => this.#wake(), UNHELD_POLL_MS) : null;
      const waiter: Waiter = {
        handles: own,
        settle: (ended) => {
          clearTimeout(timer);
          givenUp?.removeEventListener('abort', giveUp);
          if (poll !== null) clearInterval(poll);
          this.#waiters.delete(waiter);
          if (this.#waiters.size === 0) this.#exits.stop();
          resolve(ended);
        },
      };
      if (this.#waiters.size === 0) this.#exits.start();
      this.#waiters.add(waiter);
    });
  }

  /** For handles that hold no descriptor: opens, verifies, signals and closes. */
  sendUnheld(identity: Identity, signal: SignalName): 'sent' | 'gone' | 'denied' {
    const opened = openPidfd(identity.pid);
    if (opened.kind === 'exhausted')
      throw new ReeveError('PERMISSION_DENIED', 'no file descriptor is left to signal a process through', {
        hint: 'Raise the hard limit on open files (ulimit -Hn).',
      });
    if (opened.kind !== 'open') return opened.kind;
    try {
      const kind = this.#verify(identity, opened.fd);
      return kind === 'same' ? sendThroughPidfd(opened.fd, signal) : kind;
    } finally {
      closePidfd(opened.fd);
    }
  }

  release(handle: PidfdHandle): void {
    if (handle.fd < 0) return;
    this.#exits.remove(handle);
    closePidfd(handle.fd);
    handle.fd = -1;
    this.#held -= 1;
  }

  #openUnheld(identity: Identity): OpenResult {
    return this.#isAlive(identity) ? { kind: 'open', handle: new PidfdHandle(identity, -1, this) } : { kind: 'gone' };
  }

  /** Whether an open pidfd is of this very process. Denied: nobody can tell, because /proc hides it by now, or has always done so. */
  #verify(identity: Identity, fd: number): 'same' | 'gone' | 'denied' {
    // All that is known of such a one is its PID.
    if (identity.startTicks === HIDDEN_START) return hasExited(fd) ? 'gone' : 'denied';
    if (isHidden(identity)) return !hasExited(fd) && hiddenStart(fd) === identity.startTicks ? 'same' : 'gone';
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const row = this.#table.read(identity.pid);
      if (row === null || !isHidden(row)) return isOf(row, identity) ? 'same' : 'gone';
    }
    return 'denied';
  }

  #isAlive(identity: Identity): boolean {
    return isOf(this.#table.read(identity.pid), identity);
  }

  #wake(): void {
    this.#exits.drain();
    for (const waiter of this.#waiters) {
      const exited = this.#exitedAmong(waiter.handles);
      if (exited.length > 0) waiter.settle(exited);
    }
  }

  #exitedAmong(handles: readonly PidfdHandle[]): readonly PidfdHandle[] {
    for (const handle of handles) if (handle.fd < 0 && !handle.exited) handle.exited = !this.#isAlive(handle.identity);
    return handles.filter((handle) => handle.exited);
  }
}

function isOf(row: ProcessRow | null, identity: Identity): boolean {
  return row !== null && row.startTicks === identity.startTicks && !isDead(row);
}

function asOwn(handle: ProcessHandle): PidfdHandle {
  if (handle instanceof PidfdHandle) return handle;
  throw new TypeError('the handle is of another signaller');
}

/** The soft limit on open files, which Node raises to the hard one when it starts. */
function readDescriptorLimit(): number {
  const match = /^Max open files\s+(\d+|unlimited)/mu.exec(readFileSync('/proc/self/limits', 'latin1'));
  const limit = Number(match?.[1]);
  return Number.isNaN(limit) ? Number.MAX_SAFE_INTEGER : limit;
}
