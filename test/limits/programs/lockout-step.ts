// Changes lockouts in a home, and kills itself with SIGKILL before or after the step that changes a row: what comes after it, the file,
// is never reached. argv: folder of the home, which change, `before`, `after` or `never`.
import { join } from 'node:path';
import { withLockoutFiles } from '../../../src/host/lockout-files.ts';
import type { LockoutStore } from '../../../src/limits/ports.ts';
import { openAt } from '../../store/rig.ts';
import { NOON } from '../build.ts';
import { lockoutOf } from '../lockouts.ts';

const [home = '', change = '', moment = ''] = process.argv.slice(2);
const lockout = lockoutOf({ expiresAt: NOON + 1 });

function strikes<Args extends readonly unknown[], Result>(
  step: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    if (moment === 'before') process.kill(process.pid, 'SIGKILL');
    const result = await step(...args);
    if (moment === 'after') process.kill(process.pid, 'SIGKILL');
    return result;
  };
}

await using store = await openAt(join(home, 'reeve.db'));
const rows: LockoutStore = {
  ...store.lockouts,
  [change]: strikes(store.lockouts[change as 'put' | 'release' | 'prune' | 'revive'] as never),
};
const files = withLockoutFiles(rows, join(home, 'lockouts'), () => {});
const changes: Readonly<Record<string, () => Promise<unknown>>> = {
  put: () => files.put(lockout),
  release: () => files.release(lockout),
  prune: () => files.prune(NOON + 1),
  revive: () => files.list(),
};
await changes[change]?.();
