import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Claim, ClaimRecord, ClaimToken, Holder, Waiter } from './claim.ts';
import { neverClaimed } from './claim.ts';
import * as protocol from './protocol.ts';
import type { Sight } from './sight.ts';

/**
 * An explicit-state model checker: every order of the steps below is walked, and every process may be killed before each of them. The
 * steps are those of `claims.ts`; the decisions are the real ones.
 */

type Step =
  | 'look'
  | 'decide'
  | 'guard'
  | 'write-row'
  | 'write-file'
  | 'unguard'
  | 'holding'
  | 'release-guard'
  | 'release-write'
  | 'release-unguard'
  | 'done';

/** One run: a shim that claims, and the command below it, which may outlive it. */
interface Actor {
  readonly step: Step;
  readonly shim: 'alive' | 'dead';
  readonly child: 'unborn' | 'alive' | 'dead';
  /** What it read before it took the guard. */
  readonly read: ClaimRecord | null;
  /** What it saw then of the holder it read of. */
  readonly sight: Sight['tree'] | null;
  readonly next: ClaimRecord | null;
  readonly token: number | null;
}

interface World {
  readonly file: ClaimRecord;
  readonly row: ClaimRecord;
  readonly guard: number | null;
  readonly actors: readonly Actor[];
  /** Tokens that were given, in order. */
  readonly given: readonly number[];
  readonly forced: boolean;
  readonly lost: boolean;
}

/** What is built wrongly, to show that the checker finds it. */
type Fault = 'no guard' | 'no second look' | 'dead shim means free' | 'token not raised' | 'row not asked';

interface Options {
  readonly actors: number;
  /** Someone breaks a claim by force, once. */
  readonly force?: boolean;
  /** The file is removed by someone, once. */
  readonly lose?: boolean;
  readonly fault?: Fault;
}

const LATER = 1_000;

function holderOf(actor: number): Holder {
  const process = { bootId: 'b', pidNamespace: 'n', pid: actor + 10, startTicks: 1 };
  return { runId: `run_${actor}`, process, leader: null, host: 'h', uid: 0, label: 'x' };
}

function actorOf(claim: Claim): number {
  return claim.holder.process.pid - 10;
}

function waiterOf(actor: number): Waiter {
  return { process: holderOf(actor).process, host: 'h', since: 0, until: LATER };
}

function initial(count: number): World {
  const actor: Actor = {
    step: 'look',
    shim: 'alive',
    child: 'unborn',
    read: null,
    sight: null,
    next: null,
    token: null,
  };
  const none = neverClaimed('/w');
  return {
    file: none,
    row: none,
    guard: null,
    actors: Array.from({ length: count }, () => actor),
    given: [],
    forced: false,
    lost: false,
  };
}

/** Every world that one step leads to. */
function successors(world: World, options: Options): World[] {
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

function isDone(world: World, waiter: Waiter): boolean {
  const actor = world.actors[waiter.process.pid - 10] as Actor;
  return actor.shim === 'dead' || actor.step === 'done';
}

function put(world: World, index: number, actor: Actor): World {
  return { ...world, actors: world.actors.map((one, at) => (at === index ? actor : one)) };
}

/** The file, unless it was lost and the row knows better. */
function newest(file: ClaimRecord, row: ClaimRecord): ClaimRecord {
  return row.token > file.token ? { ...row, queue: file.queue } : file;
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

function walk(options: Options): { readonly worlds: number; readonly ends: number } {
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

test('C1 C4 no order of three contenders, with a crash at any step, gives two holders, an old token or a deadlock', (t) => {
  const { worlds, ends } = walk({ actors: 3 });
  t.diagnostic(`${worlds} worlds, ${ends} ends`);
  assert.ok(worlds > 10_000 && ends > 0);
});

test('C4 a claim broken by force leaves its holder with a token that is refused', (t) => {
  const { worlds } = walk({ actors: 2, force: true });
  t.diagnostic(`${worlds} worlds`);
  assert.ok(worlds > 1_000);
});

test('C4 a file that somebody removes neither frees the worktree nor sets the tokens back', (t) => {
  const { worlds } = walk({ actors: 2, lose: true });
  t.diagnostic(`${worlds} worlds`);
  assert.ok(worlds > 1_000);
});

const FAULTS: readonly (readonly [Fault, RegExp])[] = [
  ['no guard', /hold the worktree|given twice/],
  ['no second look', /hold the worktree|given twice/],
  ['dead shim means free', /hold the worktree/],
  ['token not raised', /given twice/],
  ['row not asked', /hold the worktree|given twice|tokens grow/],
];
for (const [fault, found] of FAULTS)
  test(`the checker finds a protocol with "${fault}"`, () => {
    assert.throws(() => walk({ actors: 2, lose: fault === 'row not asked', fault }), found);
  });
