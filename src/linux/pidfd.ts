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

export function closePidfd(fd: number): void {
  libc.close(fd);
}
