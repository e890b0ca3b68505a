import { ReeveError } from '../errors.ts';
import type { Processes } from '../processes/ports.ts';
import { dialectOf } from './dialect.ts';
import { findPrograms } from './programs.ts';
import { PsTable } from './ps-table.ts';
import { readRealm } from './realm.ts';
import { KillSignaller } from './signaller.ts';

/**
 * Opens the process table of a system without /proc, on `ps` and `lsof`, and a signaller on kill(2).
 * @throws PLATFORM_UNSUPPORTED when a program is missing, or does not print what reeve understands
 */
export function createPortableProcesses(env: NodeJS.ProcessEnv = process.env): Processes {
  const dialect = dialectOf(process.platform);
  const table = new PsTable({ realm: readRealm(process.platform), programs: findPrograms(env, dialect), dialect });
  const row = table.read(process.pid);
  if (row === null)
    throw new ReeveError('PLATFORM_UNSUPPORTED', 'ps does not show this process', {
      hint: 'It must show every process of this user at least.',
    });
  const self = { ...table.realm, pid: process.pid, startTicks: row.startTicks };
  return { table, signaller: new KillSignaller(table), self, adoption: null };
}
