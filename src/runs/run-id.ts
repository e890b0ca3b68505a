import type { RunId } from './record.ts';

/** Gives `count` bytes that nobody can guess. Injected, so that this file stays pure. */
export type RandomBytes = (count: number) => Uint8Array;

/** Crockford's base 32: no I, L, O, U (https://www.crockford.com/base32.html). */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 16;
const NONCE_BYTES = 16;
const RUN_ID = new RegExp(`^run_[0-7][${ALPHABET}]{${TIME_LENGTH + RANDOM_LENGTH - 1}}$`);

export interface RunIds {
  /** `run_` + ULID of the given epoch ms. Ids of one source sort in the order in which they were made, also within one millisecond and when the clock steps back. */
  newRunId(now: number): RunId;
  /** Value of `REEVE_RUN` for a run: `[outer/]<runId>.<128-bit nonce in hex>`. The nonce makes it impossible to join a tree by guessing. */
  newCookie(runId: RunId, outerCookie: string | null): string;
}

/** A source of ids; keep one per process. */
export function createRunIds(random: RandomBytes): RunIds {
  let lastTime = -1;
  let lastTail: number[] = [];
  return {
    newRunId(now) {
      const increments = now <= lastTime;
      lastTime = increments ? lastTime : now;
      lastTail = increments ? successor(lastTail) : [...random(RANDOM_LENGTH)].map((byte) => byte % 32);
      return `run_${encodeTime(lastTime)}${lastTail.map((digit) => ALPHABET[digit]).join('')}` as RunId;
    },
    newCookie(runId, outerCookie) {
      const nonce = [...random(NONCE_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      return `${outerCookie === null ? '' : `${outerCookie}/`}${runId}.${nonce}`;
    },
  };
}

/** True for a whole, well-formed run id. */
export function isRunId(text: string): text is RunId {
  return RUN_ID.test(text);
}

/** What every id begins with. A shorter word is never taken for a prefix: it would name whatever happens to be the only run. */
const ID_START = 'run_';

/** The id as it is written in records: people type the ULID in any case. */
export function canonicalRunId(word: string): string {
  return word.slice(0, ID_START.length).toLowerCase() + word.slice(ID_START.length).toUpperCase();
}

/** True when a word is long enough to be the beginning of an id. */
export function isIdPrefix(word: string): boolean {
  return word.length > ID_START.length && word.slice(0, ID_START.length).toLowerCase() === ID_START;
}

/** Id of the innermost run that a value of `REEVE_RUN` names, or null when it is not one of ours. */
export function runIdOfCookie(cookie: string): RunId | null {
  const innermost = cookie.slice(cookie.lastIndexOf('/') + 1);
  const dot = innermost.indexOf('.');
  const id = innermost.slice(0, Math.max(dot, 0));
  return isRunId(id) && /^[0-9a-f]{32}$/.test(innermost.slice(dot + 1)) ? id : null;
}

function encodeTime(time: number): string {
  let text = '';
  for (let rest = time; text.length < TIME_LENGTH; rest = Math.floor(rest / 32)) text = ALPHABET[rest % 32] + text;
  return text;
}

/** The next number in base 32. 80 random bits do not run out within a millisecond; wrapping would only lose the order. */
function successor(digits: readonly number[]): number[] {
  const next = [...digits];
  for (let place = next.length - 1; place >= 0; place -= 1) {
    next[place] = ((next[place] ?? 0) + 1) % 32;
    if (next[place] !== 0) break;
  }
  return next;
}
