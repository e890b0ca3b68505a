import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REDACTED, redactArguments, redactText } from './redact.ts';

const SECRET = 'hunter2-0123456789abcdef';

const CASES: readonly (readonly string[])[] = [
  ['--api-key', SECRET],
  [`--api-key=${SECRET}`],
  ['--token', SECRET, '--verbose'],
  ['-H', `Authorization: Bearer ${SECRET}`],
  ['-H', `authorization:Basic ${SECRET}==`],
  ['-H', `x-api-key: ${SECRET}`],
  [`KEY=${SECRET}`],
  [`ANTHROPIC_API_KEY=${SECRET}`],
  ['sh', '-c', `export GITHUB_TOKEN="${SECRET}"; curl -H 'Authorization: Bearer ${SECRET}' https://x/`],
  ['sh', '-c', `DB_PASSWORD='${SECRET} with blanks' psql`],
  [`https://user:${SECRET}@example.org/repo.git`],
  [`{"api_key": "${SECRET}", "n": 1}`],
  ['Cookie: session=hunter2-0123456789abcdef; other=1'],
  [`sk-ant-${SECRET}`],
  ['ghp_hunter20123456789abcdef0123456789'],
  ['eyJhbGciOiJIUzI1NiJ9.hunter2.hunter2'],
  ['--password', SECRET, '--', 'x'],
];

test('O8 secrets in arguments never reach a record', () => {
  for (const args of CASES) {
    const kept = redactArguments(args);
    assert.doesNotMatch(kept.join(' '), /hunter2/u, args.join(' '));
    assert.ok(kept.join(' ').includes(REDACTED), args.join(' '));
  }
});

test('what is no secret stays readable', () => {
  const args = [
    '-p',
    'fix the tokenizer: monkey patch keyboard.ts',
    '--model',
    'opus',
    '--max-tokens=5',
    'a=b',
    'https://example.org/a:b@c',
  ];
  assert.deepEqual(redactArguments(['-p', 'go', '--model', 'opus', 'PATH=/bin', 'https://example.org/x']), [
    '-p',
    'go',
    '--model',
    'opus',
    'PATH=/bin',
    'https://example.org/x',
  ]);
  assert.match(redactArguments(args).join(' '), /fix the tokenizer: monkey patch keyboard\.ts --model opus/u);
});

test('redacting twice changes nothing more', () => {
  fc.assert(fc.property(fc.string(), (text) => assert.equal(redactText(redactText(text)), redactText(text))));
});

test('long arguments and long lists are cut with a mark', () => {
  const [text = ''] = redactArguments(['x'.repeat(50_000)]);
  assert.ok(text.length < 2_000, String(text.length));
  assert.match(text, /…/u);
  assert.ok(redactArguments(Array.from({ length: 5_000 }, () => 'a')).length < 300);
});

test('O8 a secret across the cut is not half kept', () => {
  const [text = ''] = redactArguments([`${'x'.repeat(985)} KEY=${SECRET}`]);
  assert.doesNotMatch(text, /hunter/u);
});
