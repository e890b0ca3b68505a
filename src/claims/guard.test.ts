import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attemptGuard, leaveGuard, type GuardOwner, type GuardResult, type GuardStep } from './guard.ts';

/** What is built wrongly, to show that the checker finds it. */
type Fault = 'removes without breaking name' | 'doubt means dead';

interface Options {
  readonly processes: number;
  readonly attempts: number;
  /** Those whose death nobody can see: on another host. */
  readonly unseen?: readonly number[];
  readonly deaths: number;
  readonly fault?: Fault;
}

type Life = Generator<GuardStep | 'inside', void, GuardResult>;

const GUARD = 'guard';

/** One process: so many attempts, and once inside it leaves again. */
function* lifeOf(owner: GuardOwner, attempts: number): Life {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    if ((yield* attemptGuard(GUARD, owner)).kind === 'busy') continue;
    yield 'inside';
    yield* leaveGuard(GUARD, owner.text);
    return;
  }
}

/**
 * Walks every order of the steps of the real code, and every death between them. A state is what the folder holds and what each process
 * was answered so far, for that is all that it can depend on; each is made anew by letting the processes run up to it.
 */
function walk(options: Options): { readonly states: number; readonly problem: string | null } {
  const seen = new Set<string>();
  const open: (readonly string[])[] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const world = replay(path, options);
    if (world.problem !== null) return { states: seen.size, problem: `${world.problem} after ${path.join(' ')}` };
    if (seen.has(world.key)) continue;
    seen.add(world.key);
    for (const move of world.moves) open.push([...path, move]);
  }
  return { states: seen.size, problem: null };
}

/** @param path moves: `0` is a step of the first process, `!0` its death */
function replay(path: readonly string[], { processes, attempts, unseen = [], deaths, fault }: Options) {
  const folder = new Map<string, string>();
  const dead = new Set<number>();
  const actors = Array.from({ length: processes }, (_, index) => {
    const deadOwner = (text: string): string | null => {
      const owner = Number(text);
      const isDead = unseen.includes(owner) ? fault === 'doubt means dead' : dead.has(owner);
      answers.push(`${text} ${isDead}`);
      return isDead ? text : null;
    };
    const answers: string[] = [];
    const life = lifeOf({ text: String(index), deadOwner }, attempts);
    return { life, next: life.next().value, answers };
  });
  const isInside = (index: number): boolean => !dead.has(index) && actors[index]?.next === 'inside';
  let problem: string | null = null;
  for (const move of path) {
    const index = Number(move.replace('!', ''));
    if (move.startsWith('!')) dead.add(index);
    else advance(index);
    if (actors.filter((_, one) => isInside(one)).length > 1) problem = 'two are inside';
  }
  const moves = actors.flatMap(({ next }, index) =>
    next === undefined || dead.has(index) ? [] : [String(index), ...(dead.size < deaths ? [`!${index}`] : [])],
  );
  // All have come to their end: whatever the visible dead left behind must not keep out the next one.
  if (moves.length === 0 && unseen.length === 0 && problem === null) {
    const deadOwner = (text: string): string | null => (dead.has(Number(text)) ? text : null);
    const last = lifeOf({ text: String(processes), deadOwner }, 2 * processes);
    let step = last.next().value;
    while (step !== undefined && step !== 'inside') step = last.next(answer(step)).value;
    if (step !== 'inside') problem = 'nobody gets in any more';
  }
  const key = JSON.stringify([
    [...folder].map(String).toSorted(),
    [...dead].map(String).toSorted(),
    actors.map(({ answers }) => answers),
  ]);
  return { problem, moves, key };

  function advance(index: number): void {
    const actor = actors[index];
    if (actor?.next === undefined) return;
    const result = actor.next === 'inside' ? undefined : answer(actor.next);
    actor.answers.push(String(result));
    actor.next = actor.life.next(result).value;
  }

  function answer(step: GuardStep): GuardResult {
    const { act, name } = step;
    if (act === 'read') return folder.get(name) ?? null;
    if (act === 'remove') return void folder.delete(name);
    if (fault === 'removes without breaking name' && name !== GUARD) return true;
    if (folder.has(name)) return false;
    folder.set(name, step.text);
    return true;
  }
}

test('C1 two are never inside, in any order of their steps, whoever dies in between', () => {
  const { states, problem } = walk({ processes: 3, attempts: 2, deaths: 2 });
  assert.equal(problem, null);
  assert.ok(states > 10_000, `${states} states`);
});

test('C3 what the dead left is removed, also by who died over it', () => {
  assert.equal(walk({ processes: 2, attempts: 4, deaths: 2 }).problem, null);
});

test('C4 whose death cannot be seen keeps it: when in doubt, held', () => {
  assert.equal(walk({ processes: 3, attempts: 2, deaths: 1, unseen: [0] }).problem, null);
  const { problem } = walk({ processes: 2, attempts: 2, deaths: 0, unseen: [0], fault: 'doubt means dead' });
  assert.match(problem ?? '', /two are inside/, 'the checker finds it');
});

test('the checker finds the two who remove the same dead one’s guard', () => {
  const asIs = { processes: 3, attempts: 3, deaths: 1 };
  assert.equal(walk(asIs).problem, null);
  const { problem } = walk({ ...asIs, fault: 'removes without breaking name' });
  assert.match(problem ?? '', /two are inside/);
});
