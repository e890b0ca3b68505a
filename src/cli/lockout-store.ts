import { withLockoutFiles } from '../host/lockout-files.ts';
import type { LockoutFiles } from '../host/lockout-files.ts';
import { plain } from './format.ts';
import type { CliIo } from './io.ts';
import type { Workplace } from './open.ts';

/** The workplace's lockouts with their files; what is wrong with a file is said on stderr. */
export async function openLockouts(workplace: Workplace, io: CliIo): Promise<LockoutFiles> {
  const { lockouts } = await workplace.store();
  return withLockoutFiles(lockouts, workplace.paths.lockoutsDir, ({ path, error }) => {
    io.err(`reeve: ${plain(`${path}: ${error}`)}\n`);
  });
}
