import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newRepository } from '../claims/rig.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** A program that shows itself as an agent by its name. */
function agentCalled(home: Home, name: string): string {
  const path = join(mkdtempSync(join(home.folder, 'bin-')), name);
  symlinkSync('/bin/sleep', path);
  return path;
}

async function startStranger(home: Home, name: string, cwd: string) {
  const child = spawn(agentCalled(home, name), ['600'], { cwd, env: home.env, stdio: 'ignore' });
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  await until(() => readProcess(pid)?.comm === name);
  return {
    pid,
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

test('C8 the daemon tells of an agent in a worktree that a run holds, once, with what shows it', async () => {
  await using home = openHome();
  const repo = newRepository(join(home.folder, 'repo'));
  const nested = newRepository(join(repo, 'nested'));
  await home.cli('up');
  const started = await home.cli('start', '--name', 'own', '--cwd', repo, '--', agentCalled(home, 'claude'), '600');
  const runId = started.stdout.trim();
  const neighbour = await startStranger(home, 'codex', nested);
  const stranger = await startStranger(home, 'codex', repo);
  const seen = await home.event('claim.collided', (event) => event.pid === stranger.pid);
  assert.deepEqual([seen.worktree, seen.agent, seen.cwd, seen.runId], [repo, 'codex', repo, runId]);
  assert.match(seen.message, new RegExp(`claimed by run ${runId}`));
  const second = await startStranger(home, 'gemini', repo);
  await home.event('claim.collided', (event) => event.pid === second.pid);
  // Agents of other tests are on the same machine.
  const told = home
    .events()
    .flatMap((event) => (event.type === 'claim.collided' && event.cwd.startsWith(home.folder) ? [event.pid] : []));
  assert.deepEqual(told, [stranger.pid, second.pid], 'each once; not the holder’s own, not one in a nested worktree');
  await Promise.all([stranger.end(), second.end(), neighbour.end()]);
  await home.cli('stop', '--grace', '0', 'own');
});

test('C8 the daemon tells of two agents in a worktree that nobody claims', async () => {
  await using home = openHome();
  const repo = newRepository(join(home.folder, 'repo'));
  await home.cli('up');
  const strangers = [await startStranger(home, 'codex', repo), await startStranger(home, 'claude', repo)];
  for (const { pid } of strangers) {
    const seen = await home.event('claim.collided', (event) => event.pid === pid);
    assert.match(seen.message, /nobody claims it; there too: \w+ \(PID \d+\)/);
  }
  await Promise.all(strangers.map((stranger) => stranger.end()));
});
