import assert from 'node:assert/strict';
import type { Claim, ClaimRecord, ClaimToken } from '../../../src/claims/claim.ts';
import { neverClaimed } from '../../../src/claims/claim.ts';
import * as protocol from '../../../src/claims/protocol.ts';
import type { Sight } from '../../../src/claims/sight.ts';
import { actorOf, holderOf, isDone, newest, put, waiterOf, type Actor, type Options, type World } from './world.ts';

/** Every world that one step leads to. */
export function successors(world: World, options: Options): World[] {
  const next: World[] = [];
  world.actors.forEach((actor, index) => {
    if (actor.child === 'alive') next.push(put(world, index, { ...actor, child: 'dead' }));
    if (actor.shim === 'dead') return;
    // Killed: the kernel ends its guard, its child lives on.
    if (actor.step !== 'done')
      next.push({
        ...put(world, index, { ...actor, shim: 'dead', step: 'done' }),
        guard: world.guard === index ? null : world.guard,
      });
    next.push(...advance(world, index, options));
  });
  if (options.lose === true && !world.lost && world.guard === null)
    next.push({ ...world, lost: true, file: neverClaimed('/w') });
  const broken =
    options.force === true && !world.forced && world.guard === null
      ? protocol.decideForce(newest(world.file, world.row))
      : null;
  if (broken !== null) next.push({ ...world, forced: true, file: broken.next, row: broken.next });
  return next;
}

function advance(world: World, index: number, { fault }: Options): World[] {
  const actor = world.actors[index] as Actor;
  const go = (change: Partial<Actor>): World => put(world, index, { ...actor, ...change });
  const current = fault === 'row not asked' ? world.file : newest(world.file, world.row);
  const sightNow = (claim: Claim): Sight['tree'] => {
    const other = world.actors[actorOf(claim)] as Actor;
    if (other.shim === 'alive' && other.step !== 'done') return 'alive';
    return other.child === 'alive' && fault !== 'dead shim means free' ? 'alive' : 'empty';
  };
  switch (actor.step) {
    case 'look':
      return [go({ read: current, sight: current.claim === null ? null : sightNow(current.claim), step: 'decide' })];
    case 'decide': {
      const free = actor.sight !== 'alive';
      if (free) return [go({ step: 'guard' })];
      // A refused one gives up, or waits its turn: it looks again whenever it is woken.
      return [go({ step: 'done' }), go({ step: 'guard' })];
    }
    case 'guard': {
      if (world.guard !== null && fault !== 'no guard') return [];
      const taken = { ...world, guard: index };
      const record = fault === 'no second look' && actor.read !== null ? actor.read : current;
      const decision = protocol.decideAcquire(
        fault === 'token not raised' ? { ...record, token: Math.max(0, record.token - 1) as ClaimToken } : record,
        [],
        { holder: holderOf(index), session: null, insideOf: [], descendsFrom: () => false, now: 0 },
        {
          // Only of the very claim that was looked at is anything known.
          sightOf: (claim) =>
            actor.read?.claim?.holder.runId === claim.holder.runId && actor.sight === 'empty'
              ? { tree: 'empty', why: '' }
              : { tree: 'alive', holderAlive: true, why: '' },
          isWaiting: (waiter) =>
            (world.actors[waiter.process.pid - 10] as Actor).shim === 'alive' && !isDone(world, waiter),
        },
      );
      if (decision.kind === 'granted') return [put(taken, index, { ...actor, next: decision.next, step: 'write-row' })];
      const queue = protocol.enqueue(current, waiterOf(index), (waiter) => !isDone(world, waiter));
      return [put({ ...taken, file: queue }, index, { ...actor, step: 'unguard', next: null })];
    }
    case 'write-row': {
      const row = actor.next as ClaimRecord;
      return [{ ...go({ step: 'write-file' }), row: row.token >= world.row.token ? row : world.row }];
    }
    case 'write-file': {
      const file = actor.next as ClaimRecord;
      const { token } = file;
      const overtaken = world.file.queue.some(
        (waiter) => waiter.process.pid !== index + 10 && !isDone(world, waiter) && world.file.queue[0] === waiter,
      );
      assert.ok(!overtaken, 'someone who came later was served first');
      return [{ ...go({ step: 'unguard', token }), file, given: [...world.given, token] }];
    }
    case 'unguard': {
      const guard = world.guard === index ? null : world.guard;
      return [
        { ...go({ step: actor.token === null ? 'look' : 'holding', read: null, sight: null, next: null }), guard },
      ];
    }
    case 'holding': {
      // The shim gives it back only when it has seen the tree empty.
      if (actor.child === 'unborn') return [go({ child: 'alive' }), go({ child: 'dead' })];
      return actor.child === 'dead' ? [go({ step: 'release-guard' })] : [];
    }
    case 'release-guard':
      return world.guard === null || fault === 'no guard' ? [{ ...go({ step: 'release-write' }), guard: index }] : [];
    case 'release-write': {
      const ask = { token: actor.token as ClaimToken, holder: holderOf(index) };
      const decision = protocol.decideRelease(current, ask);
      const file = decision.kind === 'written' ? decision.next : world.file;
      return [{ ...go({ step: 'release-unguard' }), file }];
    }
    case 'release-unguard':
      return [{ ...go({ step: 'done', token: null }), guard: world.guard === index ? null : world.guard }];
    case 'done':
      return [];
  }
}
