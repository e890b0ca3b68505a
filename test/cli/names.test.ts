import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { newRepository } from '../claims/rig.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { startPuppet } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome } from './command-line.ts';

failOnLeaks();

/** Names that people, scripts and prompts come up with, each with the words that reach the run. */
const NAMES: readonly (readonly [name: string, ...words: readonly string[]])[] = [
  ['日本語 run 🚀', '日本語 run 🚀'],
  ['x'.repeat(300), 'x'.repeat(300)],
  ['-dash', '--', '-dash'],
  ['--all', '--', '--all'],
  ['a=b', 'name=a=b'],
  ['label=a=b', 'name=label=a=b'],
  ['run_01ABC', 'run_01ABC'],
  ['../up', '../up'],
  ["it's $(odd)", "it's $(odd)"],
  ['__proto__', '__proto__'],
];

test('a run of any name is shown on one line, and reached by its name alone', (t) => {
  const home = createHome(t);
  const ids = new Map(
    NAMES.map(([name]) => [name, home.json<RunJson>('start', `--name=${name}`, '--shared', '--', 'sleep', '1000').id]),
  );
  const { runs } = home.json<{ runs: readonly RunJson[] }>('ps');
  assert.deepEqual(new Set(runs.map(({ name }) => name)), new Set(ids.keys()));
  const shown = home.reeve('ps').stdout;
  assert.equal(shown.trimEnd().split('\n').length, 1 + NAMES.length);
  for (const [name, ...words] of NAMES) {
    const { receipts } = home.json<{ receipts: readonly { runId: string }[] }>('stop', '--grace=0', ...words);
    assert.deepEqual(
      receipts.map(({ runId }) => runId),
      [ids.get(name)],
      name,
    );
  }
});

for (const name of ['two\nlines', '\u{1b}[31mred', 'c1\u{9b}31m', 'del\u{7f}'])
  test(`a name with a control character is refused before anything runs: ${JSON.stringify(name)}`, (t) => {
    const home = createHome(t);
    for (const verb of ['run', 'start', 'register']) {
      const { stderr, exitCode } = home.reeve(verb, `--name=${name}`, '--', 'touch', 'started');
      assert.equal(exitCode, 2, verb);
      assert.match(stderr, /\[USAGE\]\n.*\n.*a name is one line, without control characters\n$/u);
      // oxlint-disable-next-line no-control-regex -- what is looked for is the control character
      assert.doesNotMatch(stderr, /[\x1b\x9b]/u);
    }
    assert.equal(existsSync(join(home.folder, 'started')), false);
    assert.deepEqual(home.json('ps', '--all'), { runs: [] });
  });

test('a name that reads like the id of a run is refused before anything runs', (t) => {
  const home = createHome(t);
  const { id } = home.json<RunJson>('start', '--', 'sleep', '1000');
  const { stderr, exitCode } = home.reeve('start', '--name', id, '--shared', '--', 'sleep', '1000');
  assert.match(stderr, /\[USAGE\]/u);
  assert.equal(exitCode, 2);
  assert.equal(home.reeve('stop', id, '--grace', '0').exitCode, 0);
});

test('labels and owner ids are taken as they are written, also those that JavaScript knows', (t) => {
  const home = createHome(t);
  const words = ['--label', '__proto__=x', '--label', 'e=', '--label', 'a=b=c', '--label', 'two=li\nnes'];
  const { id } = home.json<RunJson>('start', ...words, '--', 'sleep', '1000');
  const { labels } = home.json<RunJson>('inspect', id);
  assert.deepEqual(Object.entries(labels), [
    ['__proto__', 'x'],
    ['e', ''],
    ['a', 'b=c'],
    ['two', 'li\nnes'],
  ]);
  for (const condition of ['label=__proto__=x', 'label=e=', 'label=a=b=c', 'label=two=li\nnes'])
    assert.equal(home.reeve('stop', condition, '--dry-run').exitCode, 0, condition);
  for (const condition of ['label=constructor=x', 'label=toString=', 'label=a=b'])
    assert.equal(home.reeve('stop', condition, '--dry-run').exitCode, 2, condition);
  for (const owner of ['__proto__=x', 'toString=x', 'constructor=x'])
    assert.match(home.reeve('start', '--owner', owner, '--', 'true').stderr, /--owner cannot be .+ \[USAGE\]/u, owner);
  assert.equal(home.reeve('stop', id, '--grace', '0').exitCode, 0);
});

test('a folder of any name is run in, recorded, and stopped by', (t) => {
  const home = createHome(t);
  for (const name of ['with space', '"quotes" and \'more\'', 'two\nlines', 'ünï', '-dash', '$(echo x)', 'a=b']) {
    const folder = join(home.folder, name);
    mkdirSync(folder);
    const run = home.json<RunJson>('start', `--cwd=${folder}`, '--', 'sleep', '1000');
    assert.equal(run.cwd, folder);
    const { receipts } = home.json<{ receipts: readonly { runId: string }[] }>(
      'stop',
      '--grace=0',
      `worktree=${folder}`,
    );
    assert.deepEqual(
      receipts.map(({ runId }) => runId),
      [run.id],
      name,
    );
  }
});

for (const [what, leave] of [
  ['was removed', 'mkdir gone && cd gone && rmdir ../gone'],
  ['has a name that is no text', `mkdir "$(printf '\\377')" && cd "$(printf '\\377')"`],
] as const) {
  test(`K8 a process in a folder that ${what} does not keep stop worktree=… from its work`, async (t) => {
    const home = createHome(t);
    const repo = newRepository(join(home.folder, 'repo'));
    const stray = startPuppet(t, 'script.sh', { cwd: repo, args: ['sh', '-c', `${leave} && exec sleep 1000`] });
    const { leader } = await stray.report.processes('leader');
    await until(() => readProcess(leader.pid)?.comm === 'sleep');
    const run = home.json<RunJson>('start', `--cwd=${repo}`, '--', 'sleep', '1000');
    const stop = home.reeve('stop', '--grace=0', `worktree=${repo}`);
    assert.equal(stop.exitCode, 0, stop.stderr);
    assert.equal(home.json<RunJson>('inspect', run.id).state, 'interrupted');
    stray.child.kill('SIGKILL');
    await stray.exited;
  });
}
