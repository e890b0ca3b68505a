import { ReeveError } from '../errors.ts';
import type { LockoutKey } from '../limits/lockout.ts';

/**
 * An empty part would match by accident what null matches on purpose.
 * @throws USAGE naming the empty part
 */
export function assertKey(key: LockoutKey): void {
  for (const part of ['limit', 'project', 'branch', 'agent'] as const) {
    if (key[part]?.trim() === '') {
      throw new ReeveError('USAGE', `a lockout cannot have an empty ${part}`, {
        where: part,
        hint: 'Null stands for any.',
      });
    }
  }
}
