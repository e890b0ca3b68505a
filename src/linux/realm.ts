import { lstatSync, statSync } from 'node:fs';
import { ReeveError } from '../errors.ts';
import type { Realm } from '../processes/identity.ts';
import { readLink, readProcLine } from './proc-files.ts';

/**
 * The boot and PID namespace that this process lives in (random(4), [pid_namespaces(7)](https://man7.org/linux/man-pages/man7/pid_namespaces.7.html)).
 *
 * System calls take the PIDs of this namespace, /proc shows those of the one it was mounted in. Where these differ (a sandbox that has PIDs of
 * its own and the /proc of its host), a start time would be compared of one process and the signal sent to another: so nothing works there.
 * @throws PLATFORM_UNSUPPORTED
 */
export function readRealm(): Realm {
  const self = readLink('/proc/self');
  if (self === null && lstatSync('/proc/self', { throwIfNoEntry: false }) === undefined)
    throw new ReeveError('PLATFORM_UNSUPPORTED', 'there is no /proc', {
      hint: 'Mount it: mount -t proc proc /proc',
    });
  // One that does not know this process at all, such as a container's seen from outside, shows the link, but not where it leads.
  if (self !== String(process.pid))
    throw new ReeveError('PLATFORM_UNSUPPORTED', 'the /proc that is mounted here is of another PID namespace', {
      hint: "Mount this one's (unshare --mount-proc, bwrap --proc /proc): with another's a signal could reach the wrong process.",
    });
  const boot = readProcLine('/proc/sys/kernel/random/boot_id');
  if (boot === null)
    throw new ReeveError(
      'PLATFORM_UNSUPPORTED',
      '/proc shows processes only, and does not tell one boot from another',
      {
        hint: 'Mount it without subset=pid (for systemd: ProcSubset=all).',
      },
    );
  return {
    bootId: boot.bytes.toString('latin1', 0, boot.length).trim(),
    pidNamespace: `${statSync('/proc/self/ns/pid').ino}${foreignTime()}`,
  };
}

/** <linux/proc_ns.h>, PROC_TIME_INIT_INO */
const INITIAL_TIME_NAMESPACE = 'time:[4026531834]';

/**
 * Another time namespace ([time_namespaces(7)](https://man7.org/linux/man-pages/man7/time_namespaces.7.html)) reads other start times of the
 * same processes. Compared, each would be taken for a stranger and its run for dead; so what is recorded there is of another realm.
 */
function foreignTime(): string {
  const namespace = readLink('/proc/self/ns/time') ?? INITIAL_TIME_NAMESPACE;
  return namespace === INITIAL_TIME_NAMESPACE ? '' : `/${namespace}`;
}
