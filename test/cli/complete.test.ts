import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { createHome } from './command-line.ts';

function values(output: string): readonly string[] {
  return output
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(':'))
    .map((line) => line.split('\t')[0] ?? '');
}

test('completes verbs, subcommands and options', (t) => {
  const home = createHome(t);
  assert.deepEqual(values(home.reeve('complete', '--', 'st').stdout), ['start', 'stop', 'status']);
  assert.deepEqual(values(home.reeve('complete', '--', 'stop', '--gr').stdout), ['--grace']);
  assert.deepEqual(values(home.reeve('complete', '--', 'config', 'p').stdout), ['path']);
});

for (const shell of ['bash', 'zsh', 'fish']) {
  const { status } = spawnSync(shell, ['-c', 'true']);
  const skip = status === 0 ? false : `${shell} is not installed`;

  test(`the script for ${shell} is one that ${shell} accepts`, { skip }, (t) => {
    const { stdout, exitCode } = createHome(t).reeve('complete', shell);
    assert.equal(exitCode, 0);
    const { stderr, status: accepted } = spawnSync(shell, ['-n'], { input: stdout, encoding: 'utf8' });
    assert.equal(stderr, '');
    assert.equal(accepted, 0);
  });

  test(`--json prints the script for ${shell} as an object`, (t) => {
    const { shell: named, script } = createHome(t).json<{ shell: string; script: string }>('complete', shell);
    assert.equal(named, shell);
    assert.match(script, /reeve complete --/u);
  });
}

test('an unknown shell is refused', (t) => {
  const { stderr, exitCode } = createHome(t).reeve('complete', 'tcsh');
  assert.match(stderr, /not for "tcsh" \[USAGE\]/u);
  assert.equal(exitCode, 2);
});
