// A process that does with the claim on a worktree what it is told by messages, and answers each. argv: worktree, spare folder, run id.
import type { HeldClaim } from '../../../src/claims/acquire.ts';
import { acquire, claimPorts, holderOf } from '../rig.ts';

const [, , folder = '', spare = '', runId = ''] = process.argv;
const ports = claimPorts(spare);
let held: HeldClaim | null = null;

process.on('message', (order: string) => void obey(order));
process.send?.('ready');

async function obey(order: string): Promise<void> {
  try {
    process.send?.((await answerTo(order)) ?? 'done');
  } catch (error) {
    process.send?.(String((error as { code?: string }).code ?? error));
  }
}

async function answerTo(order: string): Promise<number | boolean | void> {
  switch (order) {
    case 'claim':
      held = await acquire(ports, folder, { holder: holderOf(runId) });
      return held.token;
    case 'renew':
      return held?.renew();
    case 'release':
      return held?.release();
    case 'stay in the guard':
      return ports.files.guarded(ports.files.placeOf(folder), async () => {
        process.send?.('inside');
        // For as long as it lives.
        await new Promise(() => {});
      });
    default:
      throw new Error(`nobody taught me to ${order}`);
  }
}
