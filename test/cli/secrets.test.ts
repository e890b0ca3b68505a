import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument, livingWithEnvironment } from '../rig/live-processes.ts';
import { createReport } from '../rig/puppet.ts';
import { createHome, daemonPid, type Home } from '../shim/home.ts';
import { newRepository } from '../claims/rig.ts';

failOnLeaks();

/** Every secret begins so, and nothing else in this test does. */
const SECRET = /hush/u;
/** As people write them, in arguments of a command. */
const SECRET_WORDS = [
  '--api-key',
  'hush-separate',
  '--auth-token=hush-joined',
  'SERVICE_PASSWORD=hush-assigned',
  '-H',
  'Authorization: Bearer hush-bearer.0123',
  'https://somebody:hush-url@localhost/path',
  '{"apiKey": "hush-json"}',
  'export DB_PASSWORD=hush-script; curl -H "Authorization: Bearer hush-inside.0123" localhost',
];
const SECRET_ENV = [
  '--env',
  'OPENAI_API_KEY=hush-env',
  '--env',
  'DATABASE_URL=postgres://me:hush-env-url@localhost/db',
];

/** Files below a folder in which a secret stands: record, log, claim, whatever is written there. */
function filesWithSecrets(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => SECRET.test(readFileSync(file, 'latin1')))
    .map((file) => relative(folder, file));
}

/** Everything that a user can have reeve say of what it knows. */
async function pagesOf(home: Home, cwd: string): Promise<readonly (readonly [page: string, text: string])[]> {
  const pages: (readonly [string, string])[] = [];
  for (const words of [
    'ps --all',
    'tree',
    'inspect held',
    'logs held',
    'events',
    'claims',
    'status',
    'doctor',
    'usage run',
  ])
    for (const more of [[], ['--json']]) {
      const { stdout, stderr } = await home.reeve([...words.split(' '), ...more], { cwd });
      pages.push([[words, ...more].join(' '), stdout + stderr]);
    }
  const { stdout } = await home.reeve(['stop', 'held', '--dry-run'], { cwd });
  return [...pages, ['stop --dry-run', stdout]];
}

test('O8 secrets in the arguments and the environment of a command reach the command, and no record, log or page', async (t) => {
  const home = createHome(t, { ANTHROPIC_API_KEY: 'hush-inherited' });
  const cwd = newRepository(join(home.work, 'repo'));
  const report = createReport(t);
  const script = `echo "leader $$" >>${report.path}; echo "got $OPENAI_API_KEY" | tr h H; while :; do sleep 1; done`;
  const words = ['--name', 'held', '--max-usd', '5', '--grace', '0', ...SECRET_ENV];
  const started = await home.reeve(['start', ...words, '--', 'sh', '-c', script, 'sh', ...SECRET_WORDS], { cwd });
  assert.equal(started.exitCode, 0, started.stderr);
  const { leader } = await report.processes('leader');
  assert.ok(
    livingWithArgument('hush-json').some(({ pid }) => pid === leader.pid),
    'the command has its arguments',
  );
  assert.ok(livingWithEnvironment('OPENAI_API_KEY', 'hush-env').some(({ pid }) => pid === leader.pid));
  assert.notEqual(daemonPid(home), null, 'there is a daemon, which logs too');

  const pages = await pagesOf(home, cwd);
  for (const [page, text] of pages) assert.doesNotMatch(text, SECRET, page);
  assert.match(pages.find(([page]) => page === 'inspect held')?.[1] ?? '', /\[redacted\]/u);
  assert.match(pages.find(([page]) => page === 'logs held')?.[1] ?? '', /got HusH-env/u, 'output is the command’s own');
  assert.deepEqual(filesWithSecrets(home.folder), []);

  const stopped = await home.reeve(['stop', 'held'], { cwd });
  assert.equal(stopped.exitCode, 0, stopped.stderr);
  assert.equal(isAlive(leader), false);
  const foreground = ['run', '--max-usd', '5', '--report', 'end.json', ...SECRET_ENV, '--'];
  const ended = await home.reeve([...foreground, 'false', ...SECRET_WORDS], { cwd });
  assert.equal(ended.exitCode, 1);
  const missing = await home.reeve(['run', ...SECRET_ENV, '--', 'no-such-command', ...SECRET_WORDS], { cwd });
  assert.equal(missing.exitCode, 127);
  for (const { stdout, stderr } of [stopped, ended, missing]) assert.doesNotMatch(stdout + stderr, SECRET);
  assert.deepEqual(filesWithSecrets(home.folder), []);
});
