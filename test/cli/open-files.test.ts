import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HANG_MS } from '../rig/hang.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { REEVE } from '../rig/reeve.ts';
import { createHome } from './command-line.ts';

failOnLeaks();

/** Opens all that the process may open, and gives some back: how many Node itself needs differs from version to version. */
const OCCUPY = `
const { closeSync, openSync } = require('node:fs');
const open = [];
try { for (;;) open.push(openSync('/dev/null')); } catch {}
for (const fd of open.splice(0, Number(process.env.FREE_FILES))) closeSync(fd);
`;

const COMMANDS = ['run -- true', 'start -- true', 'run --keep-background -- true', 'ps'];
const FREE_FILES = [2, 3, 4, 5, 6, 8, 10];

test('too few open files are told in a line with code and remedy, never by a stack trace, and leave nothing running', (t) => {
  const home = createHome(t);
  const hook = join(home.folder, 'occupy.cjs');
  writeFileSync(hook, OCCUPY);
  const told = new Set<string>();
  for (const command of COMMANDS)
    for (const free of FREE_FILES) {
      const args = ['-c', 'ulimit -n 256; exec "$@"', 'sh', REEVE, ...command.split(' ')];
      const env = { ...home.env, NODE_OPTIONS: `--require ${hook}`, FREE_FILES: String(free) };
      const { stderr, status, signal } = spawnSync('sh', args, {
        env,
        cwd: home.folder,
        encoding: 'utf8',
        timeout: HANG_MS,
      });
      const what = `${command} with ${free} files: exit ${status ?? signal}\n${stderr.slice(-2_000)}`;
      assert.doesNotMatch(stderr, /^ {4}at /mu, what);
      const code = /^reeve: .*\[([A-Z_]+)\]$/mu.exec(stderr)?.[1];
      if (status !== 0) assert.ok(code !== undefined, what);
      if (code !== undefined) told.add(code);
    }
  assert.deepEqual([told.has('SYSTEM_ERROR'), told.has('CLAIM_CORRUPT')], [true, false], [...told].join(' '));
  assert.equal(home.reeve('ps').exitCode, 0);
});
