import koffi from 'koffi';

/**
 * Every C library function that reeve calls, bound once, at its first call: most programs use few, and a system without one of them can
 * still load the rest. `null` loads what this process is linked with, so that glibc and musl serve alike. Functions without a wrapper in
 * older C libraries go through syscall(2); their numbers are the same on every Linux but Alpha.
 */
const library = koffi.load(null);

/** <asm-generic/fcntl.h>, on every architecture that Node runs on. */
export const O_CLOEXEC = 0x80000;

type Integers = (...values: readonly number[]) => number;
type IntegersAndMemory = (...values: readonly (number | string | Buffer | Int32Array)[]) => number;

function bind(definition: string): Integers {
  let bound: Integers | null = null;
  return (...values) => (bound ??= library.func(definition) as Integers)(...values);
}

function bindWithMemory(definition: string): IntegersAndMemory {
  let bound: IntegersAndMemory | null = null;
  return (...values) => (bound ??= library.func(definition) as IntegersAndMemory)(...values);
}

/** Memory for calls that are made by the thousand: the address of a `Buffer` would be looked up by each, which takes as long as the call. */
export interface Memory {
  readonly bytes: Buffer;
  /** Stands for the bytes in a call. */
  readonly address: number;
}

/** V8 keeps smaller ones in its own heap, where they may move. */
const MIN_MEMORY_BYTES = 128;
/** An address keeps nothing alive. */
const allocated: Buffer[] = [];

/** Memory of this size at least, in bytes, that neither moves nor is ever freed: for the few pieces that a program works with to its end. */
export function allocate(size: number): Memory {
  const bytes = Buffer.allocUnsafeSlow(Math.max(size, MIN_MEMORY_BYTES));
  allocated.push(bytes);
  return { bytes, address: Number(koffi.address(bytes)) };
}

export const libc = {
  /** [syscall(2)](https://man7.org/linux/man-pages/man2/syscall.2.html) with four integer arguments. */
  syscall: bind('long syscall(long number, long a, long b, long c, long d)'),
  /** [prctl(2)](https://man7.org/linux/man-pages/man2/prctl.2.html) */
  prctl: bind('int prctl(int option, ulong a, ulong b, ulong c, ulong d)'),
  /** [sysconf(3)](https://man7.org/linux/man-pages/man3/sysconf.3.html) */
  sysconf: bind('long sysconf(int name)'),
  /** [open(2)](https://man7.org/linux/man-pages/man2/open.2.html) of what exists */
  open: bindWithMemory('int open(const char *path, int flags)'),
  /** [read(2)](https://man7.org/linux/man-pages/man2/read.2.html) */
  read: bindWithMemory('long read(int fd, void *bytes, ulong capacity)'),
  /** [readlink(2)](https://man7.org/linux/man-pages/man2/readlink.2.html) */
  readlink: bindWithMemory('long readlink(const char *path, void *bytes, ulong capacity)'),
  /** [close(2)](https://man7.org/linux/man-pages/man2/close.2.html) */
  close: bind('int close(int fd)'),
  /** [ioctl(2)](https://man7.org/linux/man-pages/man2/ioctl.2.html) with a structure */
  ioctl: bindWithMemory('int ioctl(int fd, ulong request, void *argument)'),
  /** [getpgid(2)](https://man7.org/linux/man-pages/man2/getpgid.2.html) */
  getpgid: bind('int getpgid(int pid)'),
  /** [getsid(2)](https://man7.org/linux/man-pages/man2/getsid.2.html) */
  getsid: bind('int getsid(int pid)'),
  /** [poll(2)](https://man7.org/linux/man-pages/man2/poll.2.html) */
  poll: bindWithMemory('int poll(void *fds, ulong count, int timeoutMs)'),
  /** [flock(2)](https://man7.org/linux/man-pages/man2/flock.2.html) */
  flock: bind('int flock(int fd, int operation)'),
  /** [waitpid(2)](https://man7.org/linux/man-pages/man2/waitpid.2.html) */
  waitpid: bindWithMemory('int waitpid(int pid, void *status, int options)'),
  /** [getsockopt(2)](https://man7.org/linux/man-pages/man2/getsockopt.2.html) */
  getsockopt: bindWithMemory('int getsockopt(int fd, int level, int name, void *value, void *length)'),
  /** [epoll_create1(2)](https://man7.org/linux/man-pages/man2/epoll_create.2.html) */
  epollCreate: bind('int epoll_create1(int flags)'),
  /** [epoll_ctl(2)](https://man7.org/linux/man-pages/man2/epoll_ctl.2.html) */
  epollControl: bindWithMemory('int epoll_ctl(int epoll, int operation, int fd, void *event)'),
  /** [epoll_wait(2)](https://man7.org/linux/man-pages/man2/epoll_wait.2.html) */
  epollWait: bindWithMemory('int epoll_wait(int epoll, void *events, int capacity, int timeoutMs)'),
} as const;

// Of names for one number the first stands: EAGAIN, not EWOULDBLOCK.
const ERRNO_NAMES = new Map(
  Object.entries(koffi.os.errno)
    .toReversed()
    .map(([name, number]) => [number, name]),
);

/** The name of the last failure, such as `ESRCH`. To be read before anything else happens: the next call overwrites it. */
export function lastErrno(): string {
  const number = koffi.errno();
  return ERRNO_NAMES.get(number) ?? `errno ${number}`;
}

/** A system call failed in a way that its caller has no answer to. Its fields are those of the errors of Node's own calls. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  /** The call, and the path where it has one: `open /proc/1/stat` … */
  readonly syscall: string;
  /** `ENOMEM` … */
  readonly code: string;

  constructor(syscall: string, code: string) {
    super(`${syscall} failed with ${code}`);
    this.syscall = syscall;
    this.code = code;
  }
}

/** Calls `callback` whenever `fd` is readable, from Node's own event loop: no thread waits. */
export interface ReadableWatch {
  start(): void;
  /** A stopped watch does not keep the process alive. */
  stop(): void;
}

/** Watches a descriptor that Node has no stream for, such as an epoll instance. */
export function watchReadable(fd: number, callback: () => void): ReadableWatch {
  const handle = koffi.node.poll(fd, { readable: true }, callback);
  handle.stop();
  return { start: () => handle.start({ readable: true }, callback), stop: () => handle.stop() };
}
