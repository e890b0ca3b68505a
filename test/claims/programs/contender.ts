// Several contenders for one worktree, told what to do by messages. argv: worktree, spare folder, first number, how many.
import type { HeldClaim } from '../../../src/claims/acquire.ts';
import { ReeveError } from '../../../src/errors.ts';
import { acquire, claimPorts, holderOf } from '../rig.ts';

const [, , folder = '', spare = '', first = '0', count = '1'] = process.argv;
const ports = claimPorts(spare);
const numbers = Array.from({ length: Number(count) }, (_, index) => Number(first) + index);
let held: readonly HeldClaim[] = [];

process.on('message', (order: 'race' | 'release' | 'end') => {
  if (order === 'race') void race();
  if (order === 'release') void release();
  if (order === 'end') process.disconnect();
});
process.send?.('ready');

async function race(): Promise<void> {
  const results = await Promise.all(numbers.map(attempt));
  held = results.filter((one) => typeof one !== 'string');
  process.send?.({
    tokens: held.map(({ token }) => token),
    refusals: results.filter((one) => typeof one === 'string'),
  });
}

async function attempt(number: number): Promise<HeldClaim | string> {
  try {
    return await acquire(ports, folder, { holder: holderOf(`run_${number}`) });
  } catch (error) {
    return error instanceof ReeveError ? `${error.code} ${error.message}` : String(error);
  }
}

async function release(): Promise<void> {
  const released = await Promise.all(held.map((claim) => claim.release()));
  held = [];
  process.send?.(released);
}
