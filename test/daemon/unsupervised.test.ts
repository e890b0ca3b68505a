import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { until } from '../rig/until.ts';
import { answerLine } from './rig/answer-line.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** A program that shows itself as Claude Code does, by its name, and that reeve did not start. */
async function startStranger(home: Home, name: string, cwd = home.project) {
  const bin = mkdtempSync(join(home.folder, 'bin-'));
  symlinkSync('/bin/sleep', join(bin, name));
  const child = spawn(join(bin, name), ['600'], { cwd, env: home.env, stdio: 'ignore', argv0: name });
  const exited = once(child, 'exit');
  const pid = child.pid ?? 0;
  await until(() => readProcess(pid)?.comm === name);
  return {
    pid,
    exited,
    async end() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Spends past the cap of {@link DAILY} outside every run, and waits for the lockout. */
async function overspend(home: Home): Promise<void> {
  const folder = join(home.claudeDir, 'projects', 'p');
  mkdirSync(folder, { recursive: true });
  const line = answerLine({ sessionId: 'stranger', cwd: home.project, at: Date.now(), outputTokens: 4_000 });
  writeFileSync(join(folder, 'stranger.jsonl'), line);
  await home.event('lockout.written');
}

const DAILY = `
[[limit]]
name = "daily"
period = "daily"
usd = 0.05
action = "stop"
`;

test('an agent that reeve did not start is counted, and announced once, also over a restart', async () => {
  await using home = openHome();
  const stranger = await startStranger(home, 'claude');
  await home.cli('up');
  const seen = await home.event('agent.unsupervised', (event) => event.pid === stranger.pid);
  assert.deepEqual([seen.agent, seen.cwd], ['claude', home.project]);
  const status = JSON.parse((await home.cli('status', '--json')).stdout) as { unsupervised: number };
  assert.ok(status.unsupervised >= 1);
  await home.cli('down');
  await home.cli('up');
  const control = await startStranger(home, 'codex');
  await home.cli('down');
  await home.cli('up');
  await home.event('agent.unsupervised', (event) => event.pid === control.pid);
  const notices = home.events().filter((event) => event.type === 'agent.unsupervised' && event.pid === stranger.pid);
  assert.equal(notices.length, 1);
  await Promise.all([stranger.end(), control.end()]);
});

test('L5 spend outside every run locks out too; with unsupervised = "warn" nothing is stopped for it', async () => {
  await using home = openHome();
  home.writeConfig(DAILY);
  await home.cli('up');
  const stranger = await startStranger(home, 'claude');
  await overspend(home);
  assert.equal((await home.cli('run', '--', 'true')).code, 75);
  assert.notEqual(readProcess(stranger.pid), null);
  await stranger.end();
});

test('L5 with unsupervised = "stop" a relaunch without reeve is stopped again, and only where it is locked out', async () => {
  await using home = openHome();
  home.writeConfig(`[agents.claude]\nunsupervised = "stop"\n${DAILY}`);
  const elsewhere = join(home.folder, 'elsewhere');
  mkdirSync(elsewhere);
  await home.cli('up');
  await overspend(home);
  const innocent = await startStranger(home, 'claude', elsewhere);
  const editor = await startStranger(home, 'editor');
  for (let relaunch = 0; relaunch < 2; relaunch += 1) {
    const stranger = await startStranger(home, 'claude');
    const [, signal] = (await stranger.exited) as [number | null, string | null];
    assert.equal(signal, 'SIGTERM');
    const { limit, message, worktree, receipt } = await home.event('agent.stopped', (event) =>
      event.receipt.signalled.some(({ pid }) => pid === stranger.pid),
    );
    assert.deepEqual([limit, worktree, receipt.provenEmpty], ['daily', home.project, true]);
    assert.match(message, /^budget limit exceeded/u);
  }
  assert.notEqual(readProcess(innocent.pid), null);
  assert.notEqual(readProcess(editor.pid), null);
  await Promise.all([innocent.end(), editor.end()]);
});
