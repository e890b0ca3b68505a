import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Claim } from '../../src/claims/claim.ts';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { doctorReport } from '../rig/findings.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, type Home } from '../shim/home.ts';
import { newRepository } from './rig.ts';

failOnLeaks();

async function doctor(home: Home, cwd: string, ...words: readonly string[]): Promise<readonly Finding[]> {
  return doctorReport(home.folder, await home.reeve(['doctor', '--json', ...words], { cwd })).findings;
}

test('C5 doctor --fix sets a corrupt claim aside when nobody holds the worktree, and tokens go on above it', async (t) => {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  const at = { cwd: repo };
  const file = join(repo, '.git/reeve-claim.json');
  await home.reeve(['run', '--', 'true'], at);
  writeFileSync(file, '{ "format": 1, "token": 41, "holder": {');
  const [seen] = await doctor(home, repo);
  assert.deepEqual([seen?.kind, seen?.severity, seen?.fixed], ['corrupt-claim', 'problem', null]);
  assert.match(seen?.remedy ?? '', /reeve claims repair/);
  const [fixed] = await doctor(home, repo, '--fix');
  const movedTo = /set aside as (\S+);/.exec(fixed?.fixed ?? '')?.[1] ?? '';
  assert.equal(readFileSync(movedTo, 'utf8'), '{ "format": 1, "token": 41, "holder": {');
  assert.equal((await home.reeve(['run', '--', 'printenv', 'REEVE_CLAIM_TOKEN'], at)).stdout, '42\n');
  assert.deepEqual(await doctor(home, repo), []);
});

test('C5 a corrupt claim stays as it is while a run, or an agent that reeve does not know, works there', async (t) => {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  const at = { cwd: repo };
  const file = join(repo, '.git/reeve-claim.json');
  const report = createReport(t);
  await home.reeve(['start', '--name', 'worker', '--', ...puppetCommand('sleeper.sh', report)], at);
  await report.processes('leader');
  const refuses = async (why: RegExp): Promise<void> => {
    writeFileSync(file, 'broken');
    const repair = await home.reeve(['claims', 'repair'], at);
    assert.equal(repair.exitCode, 73);
    assert.match(repair.stderr, why);
    const [found] = (await doctor(home, repo, '--fix')).filter(({ kind }) => kind === 'corrupt-claim');
    assert.equal(found?.fixed, null);
    assert.equal(readFileSync(file, 'utf8'), 'broken');
  };
  // The shim writes the claim once more when its command runs.
  const claimed = (): Claim => JSON.parse(readFileSync(file, 'utf8')) as Claim;
  await until(() => claimed().holder.leader !== null);
  const { holder } = claimed();
  await refuses(/its shim lives/);
  await home.reeve(['stop', '--grace', '0', 'worker']);
  // The run is over when its tree is; the shim that holds the claim closes its books after that.
  await until(() => !isAlive(holder.process));

  symlinkSync('/bin/sleep', join(home.folder, 'claude'));
  const agent = spawn(join(home.folder, 'claude'), ['1000'], { cwd: repo, env: home.env, stdio: 'ignore' });
  t.after(() => agent.kill('SIGKILL'));
  await once(agent, 'spawn');
  await until(() => readFileSync(`/proc/${agent.pid}/comm`, 'utf8') === 'claude\n');
  await refuses(/claude \(PID \d+\) works there/);
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  assert.equal((await home.reeve(['claims', 'repair'], at)).exitCode, 0);
  assert.equal((await home.reeve(['run', '--', 'true'], at)).exitCode, 0);
});

test('C8 doctor names an agent that works in a worktree that another run holds, and agents of that run not', async (t) => {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  const nested = newRepository(join(repo, 'nested'));
  symlinkSync('/bin/sleep', join(home.folder, 'claude'));
  const claude = join(home.folder, 'claude');
  const run = await home.reeve(['start', '--name', 'own', '--', claude, '1000'], { cwd: repo });
  const strangers = [repo, nested].map((cwd) => spawn(claude, ['1000'], { cwd, env: home.env, stdio: 'ignore' }));
  t.after(() => strangers.forEach((stranger) => stranger.kill('SIGKILL')));
  await Promise.all(strangers.map((stranger) => once(stranger, 'spawn')));
  for (const { pid } of strangers) await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'claude\n');
  const collisions = (await doctor(home, repo)).filter(({ kind }) => kind === 'collision');
  assert.deepEqual(
    collisions.map(({ subject }) => subject),
    [`PID ${strangers[0]?.pid}`],
  );
  assert.match(collisions[0]?.evidence.join(' ') ?? '', new RegExp(`claimed by run ${run.stdout.trim()}`));
  for (const stranger of strangers) stranger.kill('SIGKILL');
  await home.reeve(['stop', '--grace', '0', 'own']);
});
