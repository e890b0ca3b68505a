import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { git } from '../claims/rig.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome } from './rig/home.ts';

failOnLeaks();

const LONG = 'x'.repeat(300);
/** Names of limits that are alike, or that no file may have. */
const NAMES = [LONG, `${LONG}y`, 'tägliches', 'tagliches', '..', '../..', 'a/b', 'a__b', 'A', 'a'];

interface Listed {
  readonly lockouts: readonly { readonly limit: string; readonly project: string; readonly branch: string }[];
  readonly corrupt: readonly unknown[];
}

test('L12 lockouts whose names run together, are too long, or mean a folder have files of their own, and are lifted one project at a time', async () => {
  await using home = openHome();
  const limits = NAMES.map(
    (name) =>
      `[[limit]]\nname = ${JSON.stringify(name)}\nper = "branch"\nperiod = "daily"\nusd = 0.01\ngrace = "0s"\naction = "stop"\n`,
  );
  home.writeConfig(limits.join('\n'));
  const places = [
    { project: join(home.folder, 'a__b'), branch: 'c' },
    { project: join(home.folder, 'a'), branch: 'b__c' },
  ];
  for (const { project, branch } of places) {
    mkdirSync(project);
    git(project, 'init', '-q', '-b', branch);
    git(project, 'commit', '-q', '--allow-empty', '-m', 'first');
    const run = await startAgentRun(home, { cwd: project, agentOptions: ['--branch', branch] });
    await run.tell('spend 2000');
    assert.equal((await run.ended).code, 124);
  }
  const listed = async (): Promise<Listed> => JSON.parse((await home.cli('lockouts', '--json')).stdout) as Listed;
  const wanted = places.flatMap(({ project, branch }) => NAMES.map((limit) => `${limit} ${project} ${branch}`));
  const namesOf = ({ lockouts }: Listed): readonly string[] =>
    lockouts.map(({ limit, project, branch }) => `${limit} ${project} ${branch}`).toSorted();
  const all = await listed();
  assert.deepEqual(namesOf(all), wanted.toSorted());
  assert.deepEqual(all.corrupt, []);
  assert.equal(readdirSync(home.paths.lockoutsDir).length, wanted.length);
  for (const name of readdirSync(home.paths.lockoutsDir)) assert.match(name, /^[\w][\w.-]{0,199}$/u);

  const [first, second] = places;
  assert.ok(first !== undefined && second !== undefined);
  const unlocked = await home.cli('unlock', first.project, '--for', '1h');
  assert.equal(unlocked.code, 0, unlocked.stderr);
  assert.equal((await home.cliIn(first.project, 'run', '--', 'true')).code, 0);
  const refused = await home.cliIn(second.project, 'run', '--', 'true');
  assert.equal(refused.code, 75, refused.stderr);
  assert.deepEqual(namesOf(await listed()), wanted.filter((name) => name.includes(second.project + ' ')).toSorted());
});
