import { lastErrno, libc, SystemCallError, watchReadable } from './libc.ts';
import type { ReadableWatch } from './libc.ts';

// <sys/epoll.h>
const EPOLL_CLOEXEC = 0x80000;
const EPOLL_CTL_ADD = 1;
const EPOLLIN = 1;
const EPOLLONESHOT = 1 << 30;

/** `struct epoll_event` is packed on x86 only, for the sake of 32-bit programs: 4 bytes of events, then 8 of data. */
const PACKED = process.arch === 'x64' || process.arch === 'ia32';
const DATA_AT = PACKED ? 4 : 8;
const EVENT_SIZE = DATA_AT + 8;
const BATCH = 256;

/** A process that is being watched. */
export interface Watched {
  readonly fd: number;
  exited: boolean;
}

/**
 * Learns of exits through pidfds, which become readable when the last thread of their process ends, reaped or not. All of them hang on
 * one epoll instance that Node's own event loop polls: no thread is taken from libuv's four, nothing delays `process.exit`, and a
 * thousand processes cost one watched descriptor.
 */
export class ExitWatch {
  readonly #onExit: () => void;
  readonly #watched = new Map<number, Watched>();
  readonly #serials = new Map<Watched, number>();
  readonly #event = Buffer.alloc(EVENT_SIZE);
  readonly #events = Buffer.alloc(EVENT_SIZE * BATCH);
  #epoll = -1;
  #watch: ReadableWatch | null = null;
  #nextSerial = 1;

  constructor(onExit: () => void) {
    this.#onExit = onExit;
  }

  /** Watches a process until it exits or {@link remove} is called. */
  add(process: Watched): void {
    if (this.#serials.has(process) || process.exited) return;
    const serial = this.#nextSerial;
    this.#nextSerial = (this.#nextSerial + 1) % 2 ** 32;
    // Not the descriptor: a late event of a closed one would then be taken for the process that got the number next.
    this.#event.writeUInt32LE(EPOLLIN | EPOLLONESHOT, 0);
    this.#event.writeUInt32LE(serial, DATA_AT);
    if (libc.epollControl(this.#instance(), EPOLL_CTL_ADD, process.fd, this.#event) !== 0)
      throw new SystemCallError('epoll_ctl', lastErrno());
    this.#watched.set(serial, process);
    this.#serials.set(process, serial);
  }

  /**
   * Tells of it no more. The descriptor itself leaves the epoll instance when it is closed, which its owner does next
   * ([epoll(7)](https://man7.org/linux/man-pages/man7/epoll.7.html), Q6): a system call less for each of a thousand processes.
   */
  remove(process: Watched): void {
    const serial = this.#serials.get(process);
    if (serial === undefined) return;
    this.#serials.delete(process);
    this.#watched.delete(serial);
  }

  /** Marks, without waiting, what has exited. */
  drain(): void {
    if (this.#epoll < 0) return;
    for (;;) {
      const count = libc.epollWait(this.#epoll, this.#events, BATCH, 0);
      for (let index = 0; index < count; index += 1) {
        const process = this.#watched.get(this.#events.readUInt32LE(index * EVENT_SIZE + DATA_AT));
        if (process === undefined) continue;
        process.exited = true;
        this.remove(process);
      }
      if (count < BATCH) return;
    }
  }

  /** From now on an exit calls back, and the wish to know keeps this process alive. */
  start(): void {
    this.#watch ??= watchReadable(this.#instance(), this.#onExit);
    this.#watch.start();
  }

  stop(): void {
    this.#watch?.stop();
  }

  #instance(): number {
    if (this.#epoll < 0) this.#epoll = libc.epollCreate(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new SystemCallError('epoll_create1', lastErrno());
    return this.#epoll;
  }
}
