import type { Claim, ClaimRecord, Holder, Waiter } from '../../../src/claims/claim.ts';
import { neverClaimed } from '../../../src/claims/claim.ts';
import type { Sight } from '../../../src/claims/sight.ts';

export type Step =
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
export interface Actor {
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

export interface World {
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
export type Fault = 'no guard' | 'no second look' | 'dead shim means free' | 'token not raised' | 'row not asked';

export interface Options {
  readonly actors: number;
  /** Someone breaks a claim by force, once. */
  readonly force?: boolean;
  /** The file is removed by someone, once. */
  readonly lose?: boolean;
  readonly fault?: Fault;
}

export const LATER = 1_000;

export function holderOf(actor: number): Holder {
  const process = { bootId: 'b', pidNamespace: 'n', pid: actor + 10, startTicks: 1 };
  return { runId: `run_${actor}`, process, leader: null, host: 'h', uid: 0, label: 'x' };
}

export function actorOf(claim: Claim): number {
  return claim.holder.process.pid - 10;
}

export function waiterOf(actor: number): Waiter {
  return { process: holderOf(actor).process, host: 'h', since: 0, until: LATER };
}

export function initial(count: number): World {
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

export function isDone(world: World, waiter: Waiter): boolean {
  const actor = world.actors[waiter.process.pid - 10] as Actor;
  return actor.shim === 'dead' || actor.step === 'done';
}

export function put(world: World, index: number, actor: Actor): World {
  return { ...world, actors: world.actors.map((one, at) => (at === index ? actor : one)) };
}

/** The file, unless it was lost and the row knows better. */
export function newest(file: ClaimRecord, row: ClaimRecord): ClaimRecord {
  return row.token > file.token ? { ...row, queue: file.queue } : file;
}
