import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { HANG_MS } from '../rig/hang.ts';
import { doctorReport } from '../rig/findings.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { needsRoot, NOBODY } from '../rig/nobody.ts';
import { createHome, MAIN } from './command-line.ts';

failOnLeaks();

/** Ways to a /proc that reeve cannot work with: what makes its namespaces, and what a shell in them does first. */
const PLACES = [
  ['of another PID namespace', ['--pid', '--fork', '--kill-child'], 'true', /of another PID namespace/u],
  [
    'of a PID namespace below this one',
    ['--mount'],
    'unshare --pid --fork mount -t proc proc /proc',
    /of another PID namespace/u,
  ],
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
        timeout: HANG_MS,
      });
      assert.equal(status, 69, stderr);
      assert.match(stderr, /\[PLATFORM_UNSUPPORTED\]/u);
      assert.match(stderr, said);
      assert.ok(!existsSync(join(home.folder, 'ran')), 'the command has run');
    }
  });
}

const canShiftTime = spawnSync('unshare', ['--time', '--boottime', '100000', '--fork', 'true']).status === 0;
const skipShift = canShiftTime ? false : 'this user may not make a time namespace';

test('K7 where start times are read shifted, no living run is taken for a dead one', { skip: skipShift }, (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  const shifted = (...args: readonly string[]) =>
    spawnSync('unshare', ['--time', '--boottime', '100000', '--fork', process.execPath, MAIN, ...args], {
      env: home.env,
      cwd: home.folder,
      encoding: 'utf8',
      timeout: HANG_MS,
    });
  const stop = shifted('stop', run.id, '--grace', '0');
  assert.match(stop.stderr, /\[OWNERSHIP_UNPROVEN\]/u);
  shifted('doctor', '--fix');
  assert.equal(home.json<RunJson>('inspect', run.id).state, 'running');
  assert.equal(home.reeve('stop', run.id, '--grace', '0').exitCode, 0);
});

const canMount = spawnSync('unshare', ['--mount', 'true']).status === 0;
const skipHidden = needsRoot === false && !canMount ? 'this root may not make a mount namespace' : needsRoot;

test(
  'K5 doctor says where /proc hides the processes of other users: none of them is proven dead',
  { skip: skipHidden },
  (t) => {
    const home = createHome(t);
    chmodSync(home.folder, 0o755);
    const folder = join(home.folder, 'nobody');
    mkdirSync(folder);
    chownSync(folder, NOBODY, NOBODY);
    const examine = (hidepid: number): readonly string[] => {
      const user = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
      const script = `mount -t proc -o hidepid=${hidepid} proc /proc; exec "$0" "$@"`;
      const command = ['sh', '-c', script, ...user, process.execPath, MAIN, 'doctor', '--json'];
      const { stdout, stderr, status } = spawnSync('unshare', ['--mount', ...command], {
        env: { ...home.env, HOME: folder, REEVE_HOME: join(folder, 'reeve'), TMPDIR: folder },
        cwd: folder,
        encoding: 'utf8',
        timeout: HANG_MS,
      });
      const { findings } = doctorReport(folder, { stdout, stderr, exitCode: status });
      return findings.filter(({ kind }) => kind === 'platform').flatMap(({ evidence }) => evidence);
    };
    assert.match(examine(2).join(), /hidepid/u);
    assert.deepEqual(examine(0), []);
  },
);
