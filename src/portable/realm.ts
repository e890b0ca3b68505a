import { readFileSync, readlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { ReeveError } from '../errors.ts';
import type { Realm } from '../processes/identity.ts';

/**
 * Start times of `ps` are not those of /proc, so an identity of one table must never be compared with one of the other: to each, what the
 * other has recorded lives in another PID namespace, about which it says and does nothing.
 */
const TABLE = 'ps';

/**
 * The boot that this is ([random(4)](https://man7.org/linux/man-pages/man4/random.4.html); on macOS `kern.bootsessionuuid`) and the PID
 * namespace, of which other systems than Linux have one.
 * @throws PLATFORM_UNSUPPORTED
 */
export function readRealm(platform: NodeJS.Platform): Realm {
  if (platform !== 'linux') return { bootId: readSysctl('kern.bootsessionuuid'), pidNamespace: TABLE };
  const inode = /\d+/u.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
  return {
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim(),
    pidNamespace: `${TABLE}:${inode}`,
  };
}

function readSysctl(name: string): string {
  const { stdout, error } = spawnSync('/usr/sbin/sysctl', ['-n', name], { encoding: 'utf8', timeout: 10_000 });
  const value = error === undefined ? stdout.trim() : '';
  if (value !== '') return value;
  throw new ReeveError('PLATFORM_UNSUPPORTED', `this system does not tell one boot from another (${name})`, {
    hint: 'Without that a process of an earlier boot could be taken for one of now; reeve knows how on Linux and macOS.',
  });
}
