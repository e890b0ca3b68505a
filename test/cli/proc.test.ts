import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, MAIN } from './command-line.ts';

failOnLeaks();

/** Ways to a /proc that reeve cannot work with: what makes its namespaces, and what a shell in them does first. */
const PLACES = [
  ['of another PID namespace', ['--pid', '--fork', '--kill-child'], 'true', /of another PID namespace/u],
  ['that shows processes only', ['--mount'], 'mount -t proc -o subset=pid proc /proc', /ProcSubset=all/u],
  ['that is not there', ['--mount'], 'umount -l /proc', /there is no \/proc/u],
] as const;

for (const [what, namespaces, prepare, said] of PLACES) {
  const canPrepare = spawnSync('unshare', [...namespaces, 'sh', '-c', prepare]).status === 0;
  const skip = canPrepare ? false : `this user may not do that: unshare ${namespaces.join(' ')}; ${prepare}`;
  test(`K10 a /proc ${what} is refused before anything runs: a signal could reach another process`, { skip }, (t) => {
    const home = createHome(t);
    for (const verb of ['run', 'start']) {
      const script = `${prepare}; exec "$0" "$@"`;
      const command = [process.execPath, MAIN, verb, '--', 'touch', 'ran'];
      const { stderr, status } = spawnSync('unshare', [...namespaces, 'sh', '-c', script, ...command], {
        env: home.env,
        cwd: home.folder,
        encoding: 'utf8',
        timeout: 30_000,
      });
      assert.equal(status, 69, stderr);
      assert.match(stderr, /\[PLATFORM_UNSUPPORTED\]/u);
      assert.match(stderr, said);
      assert.ok(!existsSync(join(home.folder, 'ran')), 'the command has run');
    }
  });
}
