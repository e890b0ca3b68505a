import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome } from './home.ts';
import type { ReusedPidReport } from './programs/reused-pid.ts';

failOnLeaks();

const RIGHTS = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const NAMESPACE = [...RIGHTS, '--pid', '--fork', '--kill-child', '--mount-proc'];
const canReuse =
  spawnSync('unshare', [...NAMESPACE, 'sh', '-c', 'echo 100 >/proc/sys/kernel/ns_last_pid']).status === 0;

test(
  'K7, invariant 1: a run whose PID belongs to another process now is reported stale, and a stop signals nobody',
  { skip: canReuse ? false : 'no PID namespace of its own can be made here' },
  (t) => {
    const home = createHome(t);
    const program = `"${process.execPath}" "${join(import.meta.dirname, 'programs/reused-pid.ts')}"`;
    // A shell takes every dead child while it waits, as an init does.
    const { stdout, stderr, status } = spawnSync('unshare', [...NAMESPACE, 'sh', '-c', `${program} & wait $!`], {
      cwd: home.work,
      env: home.env,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const report = JSON.parse(stdout) as ReusedPidReport;
    const expected: ReusedPidReport = {
      stale: 1,
      stopExitCode: 0,
      signalled: [],
      state: 'stale',
      strangerLives: true,
    };
    assert.deepEqual(report, expected);
  },
);
