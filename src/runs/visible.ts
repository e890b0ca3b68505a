import { ReeveError } from '../errors.ts';
import type { Realm } from '../processes/identity.ts';
import { keeperOf } from './keeper.ts';
import type { RunRecord } from './record.ts';

/**
 * From another PID namespace of this boot the tree of a run cannot be seen, so nothing can be proven of it. Another boot's is gone for
 * certain.
 * @throws OWNERSHIP_UNPROVEN
 */
export function assertVisible({ intent }: RunRecord, realm: Realm): void {
  const { bootId, pidNamespace } = keeperOf(intent);
  if (bootId !== realm.bootId || pidNamespace === realm.pidNamespace) return;
  throw new ReeveError('OWNERSHIP_UNPROVEN', `run ${intent.id} lives in another PID namespace`, {
    where: intent.id,
    hint: `Do it from where it was started: the container or sandbox on ${intent.host}.`,
  });
}
