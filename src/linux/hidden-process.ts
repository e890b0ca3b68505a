import { HIDDEN_START } from '../processes/identity.ts';
import type { ProcessRow } from '../processes/ports.ts';
import { libc, SystemCallError } from './libc.ts';
import { closePidfd, hasExited, openPidfd, parentOf, processNumber } from './pidfd.ts';

/**
 * What can be known of a process that /proc does not show, none of which needs a permission: that it is there, its group and session, on
 * Linux 6.13 its parent, and on 6.9 what makes it this process and no other. Null when nobody has this PID, or a thread has it.
 */
export function readHiddenProcess(pid: number): ProcessRow | null {
  const opened = openPidfd(pid);
  if (opened.kind === 'exhausted') throw new SystemCallError('pidfd_open', 'EMFILE');
  if (opened.kind !== 'open') return null;
  try {
    const pgid = libc.getpgid(pid);
    const sid = libc.getsid(pid);
    if (pgid < 0 || sid < 0) return null;
    const state = hasExited(opened.fd) ? 'Z' : '?';
    return { pid, ppid: parentOf(opened.fd), pgid, sid, state, startTicks: hiddenStart(opened.fd), comm: 'hidden' };
  } finally {
    closePidfd(opened.fd);
  }
}

/** What stands in a hidden process's identity in place of its start. */
export function hiddenStart(fd: number): number {
  const number = processNumber(fd);
  return HIDDEN_START + (number < HIDDEN_START ? number : 0);
}
