import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitsAtAGlance } from './glance.ts';
import { checkConfig } from './load.ts';

const TABLE = '\nname = "d"\nperiod = "daily"\nusd = 0.2\n';
const INLINE = '{ name = "d", period = "daily", usd = 0.2 }';

for (const text of [
  `[[limit]]${TABLE}`,
  `[[ limit ]]${TABLE}`,
  `[["limit"]]${TABLE}`,
  `[['limit']]${TABLE}`,
  String.raw`[["l\u0069mit"]]` + TABLE,
  `limit = [${INLINE}]\n`,
  `"limit" = [\n  ${INLINE},\n]\n`,
  `timezone = "UTC"\r\n[[limit]]${TABLE}`,
]) {
  test(`L1 a limit is not overlooked as ${JSON.stringify(text.slice(0, 30))}`, () => {
    const check = checkConfig(text, null);
    assert.ok(check.valid, 'it is valid');
    assert.equal(check.config.limits.length, 1);
    assert.notEqual(limitsAtAGlance(text), 'none');
  });
}

for (const text of [
  'x = 1',
  '[limit]\nusd = 1',
  '[[Limit]]',
  'timezone = "UTC"',
  '#\u0001',
  '# a\rb',
  '\f',
  '\u{FEFF}#',
])
  test(`what may be invalid, or needs to be read, leaves a doubt: ${JSON.stringify(text)}`, () => {
    assert.equal(limitsAtAGlance(text), 'unknown');
  });

for (const text of ['', '\n\n', '# a comment', '\t# a\ttab\r\n\r\n', '# [[limit]]\n#usd = 1\n'])
  test(`what says nothing has no limits: ${JSON.stringify(text)}`, () => {
    assert.equal(limitsAtAGlance(text), 'none');
  });

test('L1 property: what has no limits at a glance is a valid config without limits', () => {
  const piece = fc.constantFrom(
    '#',
    ' ',
    '\t',
    '\n',
    '\r\n',
    '\r',
    'limit',
    '[[',
    ']]',
    '"""',
    '=',
    'é',
    '\u0000',
    '\u2028',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      if (limitsAtAGlance(text) !== 'none') return;
      const check = checkConfig(text, null);
      assert.ok(check.valid && check.config.limits.length === 0);
    }),
    { numRuns: 2_000 },
  );
});
