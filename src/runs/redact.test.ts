import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SECRET_NAMES } from '../../test/runs/secret-names.ts';
import { REDACTED, redactArguments, redactText } from './redact.ts';

const name = fc.constantFrom(...SECRET_NAMES);
/** Anything at all, long enough not to be in the text by accident. */
const anySecret = fc
  .string({ minLength: 12, maxLength: 60, unit: 'binary' })
  .filter((text) => !REDACTED.includes(text.trim()));
/** What stands unquoted in scripts and URLs. */
const plainSecret = fc.stringMatching(/^[A-Za-z0-9+/=_-]{12,60}$/);

function assertHidden(secret: string, args: readonly string[]): void {
  const shown = redactArguments(args).join('\n');
  assert.ok(!shown.includes(secret), `${JSON.stringify(secret)} is still in ${JSON.stringify(shown)}`);
}

describe('redaction of command lines', () => {
  it('O8 hides whatever follows a secret flag, or is assigned to a secret name', () => {
    fc.assert(
      fc.property(name, anySecret, (secretName, secret) => {
        assertHidden(secret, ['claude', `--${secretName}`, secret, 'go']);
        assertHidden(secret, ['claude', `-${secretName}`, secret]);
        assertHidden(secret, ['claude', `--${secretName}=${secret}`]);
        assertHidden(secret, ['env', `${secretName.replaceAll('-', '_')}=${secret}`, 'claude']);
      }),
      { numRuns: 500 },
    );
  });

  it('O8 hides secrets inside scripts, headers, JSON, URLs and prompts', () => {
    const templates: readonly ((secretName: string, secret: string) => string)[] = [
      (n, s) => `export ${n}=${s}; claude -p go`,
      (n, s) => `${n}="${s}" claude`,
      (n, s) => `bash -lc '${n}=${s} claude'`,
      (n, s) => `bash -lc "export ${n}=\\"${s} tail\\""`,
      (n, s) => `curl --${n} ${s} https://x`,
      (n, s) => `{"${n}": "${s}", "model": "opus"}`,
      (n, s) => `{\\"${n}\\":\\"${s}\\"}`,
      (n, s) => `${n}: ${s}`,
      (n, s) => `https://host/path?a=1&${n}=${s}`,
      (_, s) => `Authorization: Bearer ${s}`,
      (_, s) => `curl -H "Authorization: Basic ${s}" https://x`,
      (_, s) => `use the header bearer ${s} please`,
      (_, s) => `Cookie: a=b; session=${s}`,
      (_, s) => `https://user:${encodeURIComponent(s)}@host/path`,
      (_, s) => `git clone https://${encodeURIComponent(s)}@github.com/x/y`,
      (_, s) => `the key is sk-${s.replaceAll(/[^A-Za-z0-9]/g, 'a')}`,
      (_, s) => `ghp_${s.replaceAll(/[^A-Za-z0-9]/g, 'a')}`,
    ];
    fc.assert(
      fc.property(fc.constantFrom(...templates), name, plainSecret, (template, secretName, secret) => {
        const safe = secret.replaceAll(/[^A-Za-z0-9]/g, 'a');
        const text = redactText(template(secretName.replaceAll('-', '_'), secret));
        for (const form of [secret, encodeURIComponent(secret), `sk-${safe}`, `ghp_${safe}`])
          assert.ok(!text.includes(form), `${form} is still in ${text}`);
        assertHidden(secret, ['sh', '-c', template(secretName, secret)]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('O8 hides a private key and a password given to curl', () => {
    const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----';
    assert.deepEqual(redactArguments([`x ${key} y`, key.slice(0, 45)]), [`x ${REDACTED} y`, REDACTED]);
    assert.deepEqual(redactArguments(['-u', 'me:pw', '-ume:pw']), ['-u', `me:${REDACTED}`, `-ume:${REDACTED}`]);
  });

  it('O8 hides every secret of a table of real command lines', () => {
    const secret = 'hunter2-0123456789abcdef';
    const lines: readonly (readonly string[])[] = [
      ['--token', secret, '--verbose'],
      ['-H', `authorization:Basic ${secret}==`],
      ['-H', `x-api-key: ${secret}`],
      [`KEY=${secret}`],
      ['sh', '-c', `export GITHUB_TOKEN="${secret}"; curl -H 'Authorization: Bearer ${secret}' https://x/`],
      ['sh', '-c', `DB_PASSWORD='${secret} with blanks' psql`],
      [`https://user:${secret}@example.org/repo.git`],
      [`{"api_key": "${secret}", "n": 1}`],
      [`Cookie: session=${secret}; other=1`],
      [`sk-ant-${secret}`],
      ['ghp_hunter20123456789abcdef0123456789'],
      ['eyJhbGciOiJIUzI1NiJ9.hunter2.hunter2'],
      ['--password', secret, '--', 'x'],
      [`${'x'.repeat(985)} KEY=${secret}`],
    ];
    for (const args of lines) {
      const shown = redactArguments(args).join(' ');
      assert.doesNotMatch(shown, /hunter/, args.join(' '));
      assert.match(shown, /\[redacted\]|…\[/);
    }
  });

  it('O8 hides the value of a header that was given as words of its own', () => {
    for (const words of [
      ['-H', 'Authorization:', 'Bearer', 'hunter2'],
      ['--header', 'Authorization:', 'Basic', 'hunter2'],
      ['--header', 'Authorization:', 'Bearer hunter2'],
      ['Proxy-Authorization:', 'hunter2'],
      ['X-Api-Key:', 'hunter2'],
      ['-H', 'Authorization: Bearer hunter2'],
      ['--header=Authorization: Bearer hunter2'],
      ['Bearer', 'hunter2'],
    ])
      assertHidden('hunter2', words);
  });

  it('finds nothing more when done twice', () => {
    fc.assert(fc.property(fc.string(), (text) => assert.equal(redactText(redactText(text)), redactText(text))));
  });

  it('leaves alone any words of commands in which no secret is', () => {
    const words = [
      'git',
      'log',
      '-p',
      'mkdir',
      'dir',
      'cp',
      '-a',
      'x',
      'mysql',
      '-p',
      'shop',
      'curl',
      '-o',
      '|',
      ';',
      '-v',
    ];
    const commands = fc.array(fc.constantFrom(...words), { maxLength: 12 });
    fc.assert(
      fc.property(commands, (some) => {
        assert.deepEqual(redactArguments(some, 'sh'), some);
        assert.equal(redactText(some.join(' ')), some.join(' '));
      }),
    );
  });

  it('leaves alone what is no secret', () => {
    const harmless = [
      ['claude', '-p', 'fix the key handling in src/auth.ts, author=me', '--model', 'opus', '--max-tokens', '500'],
      ['git', 'clone', 'git@github.com:a/b.git', 'https://host/a?b=c#d', '--keyboard', 'de', 'C:\\x', 'a@b.c'],
      ['git', 'log', '-p', '-u', 'Content-Type:', 'text/plain', 'to:', 'you'],
      [
        'mkdir',
        '-p',
        'dir',
        'cp',
        '-a',
        'x',
        'date',
        '-u',
        '+%H:%M',
        'docker',
        'run',
        '-u',
        '1000:1000',
        'PWD=/work',
        'OLDPWD=/',
      ],
      [
        '-c',
        'git log -p | head; mkdir -p dir && cp -a x y; date -u +%H:%M; curl -o x:y z; docker run -p 80:80 -u 1:1 x',
      ],
      ['bearer', 'of', 'good', 'news', 'bypass=1', 'compass=n', 'oauth=2', 'hotkey=x', 'primarykey=id', 'tokens=5'],
      ['', ' ', '--', '-', '=', 'a=', '"', "'", '\\', '{"model":"opus"}', 'ask-me-anything-later', 'tokenizer=fast'],
    ];
    for (const args of harmless) assert.deepEqual(redactArguments(args), args);
  });

  it('cuts long arguments and long lists with a mark that says what is missing', () => {
    assert.deepEqual(redactArguments(['x'.repeat(1_000)]), ['x'.repeat(1_000)]);
    assert.deepEqual(redactArguments(['x'.repeat(1_003)]), [`${'x'.repeat(1_000)}…[3 more characters]`]);
    assert.deepEqual(redactArguments(['x'.repeat(1_000_000)]), [`${'x'.repeat(1_000)}…[999000 more characters]`]);
    const many = redactArguments(Array.from({ length: 150 }, () => 'x'));
    assert.deepEqual([many.length, many.at(-1)], [101, '…[50 more arguments]']);
  });

  it('keeps a bound on what it stores, and ends on any text', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 3_000, unit: 'binary' }), { maxLength: 120 }), (args) => {
        const kept = redactArguments(args);
        assert.ok(kept.length <= 101);
        assert.ok(kept.every((argument) => argument.length < 1_050));
      }),
      { numRuns: 50 },
    );
    for (const unit of [
      'a',
      ' ',
      '"',
      '\\',
      'a.',
      'a ',
      'token=',
      'token="',
      'a://',
      '-----BEGIN PRIVATE KEY-----',
      'key: ',
      'mysql ',
      'mysql -p',
      'curl "',
      "curl -u '",
    ])
      redactArguments([unit.repeat(65_536 / unit.length)]);
  });
});
