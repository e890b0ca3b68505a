import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { NOBODY } from '../rig/nobody.ts';
import { cannotBecomeAnother, stageOtherUser } from '../rig/other-user.ts';
import { until } from '../rig/until.ts';
import { createHome } from '../shim/home.ts';

failOnLeaks();

/** What is wrong with the claim's file by the time of the stop, and how that is told. */
const OBSTACLES = {
  'a claim that cannot be read': {
    put: (file: string) => writeFileSync(file, 'nobody knows'),
    told: /does not say who survived: .*it is not JSON.*\[CLAIM_CORRUPT\]\n {2}at (\S+)\n {2}`reeve claims repair/u,
  },
  'a folder in the way of the next claim': {
    put: (file: string) => mkdirSync(join(`${file}.new`, 'full'), { recursive: true }),
    told: /does not say who survived: the claim cannot be written.*\[SYSTEM_ERROR\]\n {2}at (\S+)\n {2}\S+/u,
  },
} as const;

describe('a stop whose survivor cannot be put into the claim', { skip: cannotBecomeAnother }, () => {
  for (const [what, { put, told }] of Object.entries(OBSTACLES))
    it(`K5 gives its receipt all the same, and says why, where and what to do: ${what}`, async (t) => {
      const home = createHome(t);
      const staged = stageOtherUser(t, home.folder);
      if (staged === null) return;
      const { work, env, report, sleeperOfSomebody } = staged;
      const reeve = (...args: readonly string[]) => home.reeve(args, { cwd: work, env, uid: NOBODY });
      const started = await reeve(
        'start',
        '--name',
        'lost',
        '--',
        'sh',
        '-c',
        `setsid ${sleeperOfSomebody} & sleep 1001`,
      );
      assert.equal(started.exitCode, 0, started.stderr);
      const { leader: survivor } = await report.processes('leader');
      const { identity } = JSON.parse((await reeve('inspect', 'lost', '--json')).stdout) as RunJson;
      const shim = readProcess(readProcess(identity?.pid ?? 0)?.ppid ?? 0);
      assert.ok(shim);
      process.kill(shim.pid, 'SIGKILL');
      await until(() => !isAlive(shim));

      const file = join(work, '.reeve', 'claim.json');
      put(file);
      const { exitCode, stdout, stderr } = await reeve('stop', 'lost', '--grace', '0');
      assert.equal(exitCode, 1, stderr);
      assert.match(stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'));
      assert.equal(told.exec(stderr)?.[1], file, stderr);

      process.kill(survivor.pid, 'SIGTERM');
      await until(() => !isAlive(survivor));
      assert.equal((await reeve('stop', 'lost', '--grace', '0')).exitCode, 0);
    });
});
