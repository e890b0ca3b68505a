import assert from 'node:assert/strict';
import * as protocol from '../../../src/claims/protocol.ts';
import { successors } from './steps.ts';
import { holderOf, initial, newest, type Options, type World } from './world.ts';

/**
 * An explicit-state model checker: every order of the steps of `steps.ts` is walked, and every process may be killed before each of them. The
 * decisions are the real ones, of `src/claims/protocol.ts`.
 */
export function walk(options: Options): { readonly worlds: number; readonly ends: number } {
  const start = initial(options.actors);
  const seen = new Set([JSON.stringify(start)]);
  let ends = 0;
  for (const pending = [start]; ;) {
    const world = pending.pop();
    if (world === undefined) return { worlds: seen.size, ends };
    check(world);
    const next = successors(world, options);
    if (next.length === 0) {
      checkEnd(world);
      ends += 1;
    }
    for (const one of next) {
      const key = JSON.stringify(one);
      if (seen.has(key)) continue;
      seen.add(key);
      pending.push(one);
    }
  }
}

/** What must hold in every world that can come about. */
function check(world: World): void {
  const holders = world.actors.flatMap((actor, index) =>
    actor.child === 'alive' || (actor.shim === 'alive' && actor.token !== null) ? [index] : [],
  );
  if (!world.forced) assert.ok(holders.length <= 1, `${holders.length} hold the worktree`);
  assert.equal(new Set(world.given).size, world.given.length, `a token was given twice: ${world.given.join(', ')}`);
  assert.deepEqual(
    world.given,
    world.given.toSorted((a, b) => a - b),
    'tokens grow',
  );
  const accepted = world.given.filter(
    (token) => protocol.verifyToken(newest(world.file, world.row), token) === 'current',
  );
  assert.ok(accepted.length <= 1, 'one token is in force at most');
  const last = world.given.at(-1) ?? 0;
  assert.ok(
    accepted.every((token) => token === last),
    'a superseded token is accepted',
  );
  assert.ok(newest(world.file, world.row).token >= last, 'the record never goes back behind a token that was given');
}

/** When nothing is left to happen, the worktree is free for whoever comes next. */
function checkEnd(world: World): void {
  assert.ok(
    world.actors.every(({ step }) => step === 'done'),
    'deadlock',
  );
  const decision = protocol.decideAcquire(
    newest(world.file, world.row),
    [],
    { holder: holderOf(90), session: null, insideOf: [], descendsFrom: () => false, now: 0 },
    { sightOf: () => ({ tree: 'empty', why: '' }), isWaiting: () => false },
  );
  const token = decision.kind === 'granted' ? decision.next.token : 0;
  assert.ok(token > (world.given.at(-1) ?? 0), `whoever comes next is ${decision.kind}`);
}
