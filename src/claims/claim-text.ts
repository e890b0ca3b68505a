import type { Identity } from '../processes/identity.ts';
import type { StartMark } from '../processes/tree-spec.ts';
import type { Claim, ClaimRecord, ClaimToken, Holder, Leader, Survivor, Waiter } from './claim.ts';

/** Number of the format below; raised when a reader of the old one would misread the new one. */
const FORMAT = 1;

const NOTE =
  'Which reeve run holds this worktree. `reeve claims` explains it, `reeve release` gives it back; deleting this file does neither.';

/** What a claim's file says: JSON that people can read, times in ISO 8601. */
export function claimText(record: ClaimRecord): string {
  const { worktree, token, claim, queue } = record;
  const content = {
    note: NOTE,
    format: FORMAT,
    worktree,
    state: claim === null ? 'free' : 'claimed',
    token,
    ...(claim === null ? {} : claimFields(claim)),
    queue: queue.map((waiter) => ({ ...waiter, since: iso(waiter.since), until: iso(waiter.until) })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

function claimFields({ holder, session, acquiredAt, renewedAt }: Claim): object {
  return { holder, session, acquiredAt: iso(acquiredAt), renewedAt: iso(renewedAt) };
}

export type ParsedClaim =
  | { readonly kind: 'record'; readonly record: ClaimRecord }
  /** `token`: the highest number that stands there as one, for a repair; null when none does. */
  | { readonly kind: 'corrupt'; readonly error: string; readonly token: number | null };

/** Reads a claim's file. Strict: what is not exactly a claim is corrupt, and never taken for a free worktree. */
export function parseClaim(text: string): ParsedClaim {
  try {
    return { kind: 'record', record: recordOf(JSON.parse(text)) };
  } catch (error) {
    return { kind: 'corrupt', error: problemOf(text, error), token: tokenIn(text) };
  }
}

/** A field that is not what it must be; its message goes into the error that people see. */
class FieldError extends Error {}

function problemOf(text: string, error: unknown): string {
  if (text.trim() === '') return 'it is empty';
  return error instanceof FieldError ? error.message : `it is not JSON: ${(error as Error).message}`;
}

function tokenIn(text: string): number | null {
  const found = [...text.matchAll(/"token":\s*(\d{1,15})\b/g)].map(([, digits]) => Number(digits));
  return found.length === 0 ? null : Math.max(...found);
}

type Fields = Readonly<Record<string, unknown>>;

function recordOf(content: unknown): ClaimRecord {
  const fields = objectOf(content, 'it');
  const format = wholeNumber(fields, 'format');
  if (format !== FORMAT) throw new FieldError(`it has format ${format}, and this reeve knows ${FORMAT}`);
  const state = textOf(fields, 'state');
  if (state !== 'free' && state !== 'claimed') throw wrong('state');
  const token = wholeNumber(fields, 'token');
  if (state === 'claimed' && token === 0) throw wrong('token');
  const { queue } = fields;
  if (!Array.isArray(queue)) throw wrong('queue');
  return {
    worktree: textOf(fields, 'worktree'),
    token: token as ClaimToken,
    claim: state === 'free' ? null : claimOf(fields),
    queue: queue.map((waiter: unknown) => waiterOf(objectOf(waiter, 'queue'))),
  };
}

function claimOf(fields: Fields): Claim {
  return {
    holder: holderOf(objectOf(fields['holder'], 'holder')),
    session: textOrNull(fields, 'session'),
    acquiredAt: time(fields, 'acquiredAt'),
    renewedAt: time(fields, 'renewedAt'),
  };
}

function holderOf(fields: Fields): Holder {
  const { leader, survivors, mark } = fields;
  return {
    runId: textOrNull(fields, 'runId'),
    process: identityOf(objectOf(fields['process'], 'process')),
    leader: leader === null ? null : leaderOf(objectOf(leader, 'leader')),
    ...(survivors === undefined ? {} : { survivors: survivorsOf(survivors) }),
    ...(mark === undefined ? {} : { mark: markOf(objectOf(mark, 'mark')) }),
    host: textOf(fields, 'host'),
    uid: wholeNumberOrNull(fields, 'uid'),
    label: textOf(fields, 'label'),
  };
}

function leaderOf(fields: Fields): Leader {
  return {
    pid: wholeNumber(fields, 'pid'),
    startTicks: wholeNumber(fields, 'startTicks'),
    group: wholeNumberOrNull(fields, 'group'),
    session: wholeNumberOrNull(fields, 'session'),
  };
}

function survivorsOf(value: unknown): readonly Survivor[] {
  if (!Array.isArray(value)) throw wrong('survivors');
  return value.map((one: unknown) => {
    const fields = objectOf(one, 'survivors');
    return { pid: wholeNumber(fields, 'pid'), startTicks: wholeNumber(fields, 'startTicks') };
  });
}

function markOf(fields: Fields): StartMark {
  const { ancestors } = fields;
  if (ancestors !== null && !(Array.isArray(ancestors) && ancestors.every(Number.isSafeInteger)))
    throw wrong('ancestors');
  return { starts: wholeNumber(fields, 'starts'), ancestors };
}

function waiterOf(fields: Fields): Waiter {
  return {
    process: identityOf(objectOf(fields['process'], 'process')),
    host: textOf(fields, 'host'),
    since: time(fields, 'since'),
    until: time(fields, 'until'),
  };
}

function identityOf(fields: Fields): Identity {
  return {
    bootId: textOf(fields, 'bootId'),
    pidNamespace: textOf(fields, 'pidNamespace'),
    pid: wholeNumber(fields, 'pid'),
    startTicks: wholeNumber(fields, 'startTicks'),
  };
}

function objectOf(value: unknown, name: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(name);
  return value as Fields;
}

function textOf(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || value === '') throw wrong(name, value);
  return value;
}

function textOrNull(fields: Fields, name: string): string | null {
  return fields[name] === null ? null : textOf(fields, name);
}

function wholeNumber(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw wrong(name, value);
  return value;
}

function wholeNumberOrNull(fields: Fields, name: string): number | null {
  return fields[name] === null ? null : wholeNumber(fields, name);
}

function time(fields: Fields, name: string): number {
  const epochMs = Date.parse(textOf(fields, name));
  if (Number.isNaN(epochMs)) throw wrong(name, null);
  return epochMs;
}

function wrong(name: string, value: unknown = null): FieldError {
  return new FieldError(`${name} is ${value === undefined ? 'missing' : 'not what it must be'}`);
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
