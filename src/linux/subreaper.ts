import { lastErrno, libc, SystemCallError } from './libc.ts';

// <linux/prctl.h>
const PR_SET_CHILD_SUBREAPER = 36;

/**
 * From now on every orphan below this process is reparented to it instead of to init, so that nothing it starts leaves its tree by a
 * double fork ([PR_SET_CHILD_SUBREAPER](https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html)). Holds for good,
 * is not inherited, and asks for {@link reapAdopted}.
 */
export function becomeSubreaper(): void {
  if (libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) !== 0) throw new SystemCallError('prctl', lastErrno());
}
