import { fstatSync, statfsSync } from 'node:fs';
import { constants } from 'node:os';
import { ReeveError } from '../errors.ts';
import type { SignalName } from '../processes/ports.ts';
import { lastErrno, libc, SystemCallError } from './libc.ts';

// System call numbers: <asm-generic/unistd.h>, shared by every architecture that Node runs on.
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

export type PidfdResult =
  | { readonly kind: 'open'; readonly fd: number }
  | { readonly kind: 'gone' | 'denied' }
  /** This process, or the machine, has no descriptor left. */
  | { readonly kind: 'exhausted' };

/**
 * A descriptor that refers to the process with this PID *now*, and to no later one that gets the number
 * ([pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html), Linux 5.3). It is close-on-exec.
 * @throws PLATFORM_UNSUPPORTED
 */
export function openPidfd(pid: number): PidfdResult {
  const fd = libc.syscall(SYS_PIDFD_OPEN, pid, 0, 0, 0);
  if (fd >= 0) return { kind: 'open', fd };
  const errno = lastErrno();
  switch (errno) {
    // EINVAL and ENOENT: the number is a thread's, not a process's.
    case 'ESRCH':
    case 'EINVAL':
    case 'ENOENT':
      return { kind: 'gone' };
    case 'EMFILE':
    case 'ENFILE':
      return { kind: 'exhausted' };
    case 'EPERM':
    case 'EACCES':
      return { kind: 'denied' };
    case 'ENOSYS':
      throw new ReeveError('PLATFORM_UNSUPPORTED', 'this kernel has no pidfd_open', {
        hint: 'reeve needs Linux 5.3 or later: without it a signal could reach the wrong process.',
      });
    default:
      throw new SystemCallError('pidfd_open', errno);
  }
}

/** Sends a signal through a pidfd ([pidfd_send_signal(2)](https://man7.org/linux/man-pages/man2/pidfd_send_signal.2.html)). */
export function sendThroughPidfd(fd: number, signal: SignalName): 'sent' | 'gone' | 'denied' {
  const number = constants.signals[`SIG${signal}`];
  if (libc.syscall(SYS_PIDFD_SEND_SIGNAL, fd, number, 0, 0) === 0) return 'sent';
  const errno = lastErrno();
  if (errno === 'ESRCH') return 'gone';
  if (errno === 'EPERM') return 'denied';
  throw new SystemCallError('pidfd_send_signal', errno);
}

/** <poll.h>: `struct pollfd` is the descriptor and two shorts. */
const POLLIN = 1;
const polled = Buffer.alloc(8);

/** A pidfd can be read from when no thread of its process is left, whether it was waited for or not. */
export function hasExited(fd: number): boolean {
  polled.writeInt32LE(fd, 0);
  polled.writeInt32LE(POLLIN, 4);
  return libc.poll(polled, 1, 0) > 0;
}

/** <linux/magic.h> */
const PIDFS_MAGIC = 0x50494446;
let isNumbered: boolean | null = null;

/**
 * A number that the kernel gives to this process and to no other until the next boot: the inode of its pidfds
 * ([pidfd_open(2)](https://man7.org/linux/man-pages/man2/pidfd_open.2.html), NOTES). 0 before Linux 6.9, where all have the same.
 */
export function processNumber(fd: number): number {
  isNumbered ??= statfsSync(`/proc/self/fd/${fd}`).type === PIDFS_MAGIC;
  return isNumbered ? fstatSync(fd).ino : 0;
}

/** <linux/pidfd.h>: PIDFD_GET_INFO with the structure as it was first, where it stands for what is told unasked. */
const PIDFD_GET_INFO = 0xc040ff0b;
const INFO_SIZE = 64;
const INFO_PPID_AT = 24;
const info = Buffer.alloc(INFO_SIZE);

/** The parent of the process; 0 where that is of another PID namespace, or (before Linux 6.13) not told. */
export function parentOf(fd: number): number {
  info.fill(0);
  return libc.ioctl(fd, PIDFD_GET_INFO, info) === 0 ? info.readUInt32LE(INFO_PPID_AT) : 0;
}

export function closePidfd(fd: number): void {
  libc.close(fd);
}
