import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VERBS } from '../../src/cli/verbs.ts';
import { version } from '../../src/version.ts';
import { createHome } from './command-line.ts';

test('--help names every verb and exits 0', (t) => {
  const { stdout, stderr, exitCode } = createHome(t).reeve('--help');
  for (const { name } of VERBS) assert.match(stdout, new RegExp(`^  ${name}\\b`, 'mu'));
  assert.equal(stderr, '');
  assert.equal(exitCode, 0);
});

test('--version prints the version and nothing else', (t) => {
  assert.deepEqual(createHome(t).reeve('--version'), { stdout: `${version}\n`, stderr: '', exitCode: 0 });
});

test('every verb loads, explains itself, and has --json', (t) => {
  const home = createHome(t);
  const without = VERBS.map(({ name }) => name).filter((name) => {
    const { stdout, exitCode } = home.reeve(name, '--help');
    assert.equal(exitCode, 0, name);
    assert.match(stdout, new RegExp(`^Usage: reeve ${name}`, 'u'));
    return !stdout.includes('--json') && !/^Commands:/mu.test(stdout);
  });
  assert.deepEqual(without, []);
});

test('an unknown verb exits 2, suggests, and prints nothing on stdout', (t) => {
  const { stdout, stderr, exitCode } = createHome(t).reeve('stpo');
  assert.equal(stdout, '');
  assert.equal(stderr, "reeve: unknown command 'stpo' [USAGE]\n  Did you mean stop?\n");
  assert.equal(exitCode, 2);
});

test('wrong usage has its code and a remedy like any other failure', (t) => {
  const home = createHome(t);
  for (const [line, text] of [
    [
      ['run', 'ls', '-la'],
      "unknown option '-la' [USAGE]\n  put -- before the command that it is for; see `reeve run --help`",
    ],
    [['ps', '--jsno'], "unknown option '--jsno' [USAGE]\n  Did you mean --json?"],
    [['inspect'], "missing required argument 'run' [USAGE]\n  see `reeve inspect --help`"],
    [['nothing'], "unknown command 'nothing' [USAGE]\n  see `reeve --help`"],
  ] as const)
    assert.deepEqual(home.reeve(...line), { stdout: '', stderr: `reeve: ${text}\n`, exitCode: 2 });
  // Of a group of commands the help is what there is to say.
  const group = home.reeve('config');
  assert.match(group.stderr, /^Usage: reeve config/u);
  assert.equal(group.exitCode, 2);
});

test('wrong usage is an error object on stderr with --json', (t) => {
  const { stdout, stderr, exitCode } = createHome(t).reeve('stop', '--no-such-option', '--json');
  assert.equal(stdout, '');
  const { error } = JSON.parse(stderr) as { error: { code: string; message: string } };
  assert.equal(error.code, 'USAGE');
  assert.match(error.message, /--no-such-option/u);
  assert.equal(exitCode, 2);
});

test('a failure is one line with its code, then its remedy; with --json an object with the same', (t) => {
  const home = createHome(t);
  const plain = home.reeve('inspect', 'nothing');
  assert.equal(plain.stderr, 'reeve: no run "nothing" [RUN_NOT_FOUND]\n  `reeve ps --all` lists the runs\n');
  assert.equal(plain.exitCode, 2);
  const json = home.reeve('inspect', 'nothing', '--json');
  assert.deepEqual(JSON.parse(json.stderr), {
    error: { code: 'RUN_NOT_FOUND', message: 'no run "nothing"', hint: '`reeve ps --all` lists the runs', where: null },
  });
});

test('an option of the command to run is not taken for one of reeve', (t) => {
  const { stderr } = createHome(t).reeve('stop', '--', '--json');
  assert.match(stderr, /^reeve: /u);
});

test('I2 stop refuses an empty scope, and signals nothing', (t) => {
  const { stdout, stderr, exitCode } = createHome(t).reeve('stop');
  assert.equal(stdout, '');
  assert.match(stderr, /\[SCOPE_EMPTY\]/u);
  assert.equal(exitCode, 2);
});
