import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { cannotBecomeAnother } from '../rig/other-user.ts';
import { end, killShimOf, stage } from './library-stage.ts';

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
      const staged = stage(t);
      if (staged === null) return;
      const { agent, inspect, reeve, survivor: awaitSurvivor, work } = staged;
      assert.equal((await reeve(['start', '--name', 'lost', '--', ...agent])).exitCode, 0);
      const survivor = await awaitSurvivor();
      await killShimOf((await inspect('lost')).identity?.pid ?? 0);

      const file = join(work, '.reeve', 'claim.json');
      put(file);
      const { exitCode, stdout, stderr } = await reeve(['stop', 'lost', '--grace', '0']);
      assert.equal(exitCode, 1, stderr);
      assert.match(stdout, new RegExp(`${survivor.pid} +\\S+ +permission denied`, 'u'));
      assert.equal(told.exec(stderr)?.[1], file, stderr);

      await end(survivor);
      assert.equal((await reeve(['stop', 'lost', '--grace', '0'])).exitCode, 0);
    });
});
