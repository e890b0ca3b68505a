import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ClaimRecord, ClaimToken } from './claim.ts';
import { claimText, parseClaim } from './claim-text.ts';

/** As `JSON.parse` makes objects: with a prototype. */
const object = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true });
const number = fc.nat();
const time = fc.integer({ min: 0, max: 4e12 });
const name = fc.string({ minLength: 1, unit: 'grapheme' });
const identity = object({ bootId: name, pidNamespace: name, pid: number, startTicks: number });
const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });
const alone = object({
  runId: orNull(name),
  process: identity,
  leader: orNull(object({ pid: number, startTicks: number, group: orNull(number), session: orNull(number) })),
  host: name,
  uid: orNull(number),
  label: name,
});
const survivors = fc.array(object({ pid: number, startTicks: number }), { maxLength: 3 });
const mark = object({ starts: number, ancestors: orNull(fc.array(number, { maxLength: 3 })) });
const holder = fc.oneof(
  alone,
  fc.tuple(alone, mark).map(([one, begun]) => ({ ...one, mark: begun })),
  fc.tuple(alone, survivors).map(([one, left]) => ({ ...one, survivors: left })),
);
const claim = object({ holder, session: orNull(name), acquiredAt: time, renewedAt: time });
const token = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }).map((value) => value as ClaimToken);
const queue = fc.array(object({ process: identity, host: name, since: time, until: time }), { maxLength: 3 });
const record: fc.Arbitrary<ClaimRecord> = object({ worktree: name, token, claim: orNull(claim), queue });

test('a claim is read as it was written', () => {
  fc.assert(
    fc.property(record, (written) => {
      assert.deepEqual(parseClaim(claimText(written)), { kind: 'record', record: written });
    }),
  );
});

test('C5 a claim that was written by half is corrupt, never a free worktree', () => {
  fc.assert(
    fc.property(record, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (written, part) => {
      const text = claimText(written);
      const whole = text.trimEnd().length;
      assert.equal(parseClaim(text.slice(0, Math.floor(whole * part))).kind, 'corrupt');
    }),
  );
});

test('C5 a field that is missing or of another kind makes a claim corrupt, and is named', () => {
  const written = fc.sample(record, { numRuns: 50, seed: 1 }).find((one) => one.claim?.holder.leader);
  assert.ok(written);
  const paths = ['format', 'state', 'token', 'worktree', 'queue', 'holder', 'session', 'acquiredAt', 'renewedAt'];
  for (const field of paths)
    for (const value of [undefined, [], -1, '', {}, true]) {
      if (field === 'queue' && Array.isArray(value)) continue;
      const parsed = parseClaim(JSON.stringify({ ...(JSON.parse(claimText(written)) as object), [field]: value }));
      const error = parsed.kind === 'corrupt' ? parsed.error : `${field} = ${JSON.stringify(value)} passed`;
      assert.match(error, field === 'holder' ? /what it must be|missing/ : new RegExp(`${field} is|format`));
    }
});

test('C5 the token of a corrupt claim is found where it stands, so that a repair does not set it back', () => {
  const cut = (text: string): number | null => {
    const parsed = parseClaim(text);
    return parsed.kind === 'corrupt' ? parsed.token : null;
  };
  assert.equal(cut('{ "format": 1, "token": 41, "holder": {'), 41);
  assert.equal(cut('{ "token": 4, x "token": 17 '), 17);
  assert.equal(cut(''), null);
  assert.equal(cut('{ "token": 99999999999999999999999 '), null);
});

test('a claim of a newer format is refused, and said to be one', () => {
  const parsed = parseClaim(JSON.stringify({ format: 2, state: 'free' }));
  assert.match(parsed.kind === 'corrupt' ? parsed.error : '', /format 2/);
});
