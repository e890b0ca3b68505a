import assert from 'node:assert/strict';
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import { MAIN } from '../cli/command-line.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { until } from '../rig/until.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';
import { startImpatientDaemon } from './rig/start-impatient.ts';
import type { FullDiskReport } from './rig/full-disk.ts';

failOnLeaks();

/** From here on the daemon can write to no file beyond its present size: its store fails as on a full disk, its small log does not. */
function freezeStoreOf(home: Home, daemonPid: number): void {
  const walBytes = statSync(`${home.paths.database}-wal`).size;
  execFileSync('prlimit', ['--pid', String(daemonPid), `--fsize=${walBytes}:`]);
}

const logOf = (home: Home): string => readFileSync(home.paths.daemonLogFile, 'utf8');

test('L10 a store that the daemon cannot write stops the limited runs, loudly, with the reason on record; others go on', async () => {
  await using home = openHome();
  const daemon = await startImpatientDaemon(home);
  const limited = await startAgentRun(home, { runOptions: ['--max-usd', '5', '--grace', '0s'] });
  const free = await startAgentRun(home, { runOptions: ['--shared'] });
  freezeStoreOf(home, daemon.pid);
  await limited.tell('spend 100');
  const ended = await limited.ended;
  assert.equal(ended.code, 124, ended.stderr);
  const outcome = outcomeOf((await home.run(limited.runId)).current);
  assert.equal(outcome?.endReason, 'budget-limit');
  assert.match(outcome.error ?? '', /limits cannot be enforced: .*no space/);
  assert.match(logOf(home), /STORE_FULL[\s\S]*limited runs are stopped/);
  await home.event('store.failed');
  assert.equal((await home.run(free.runId)).current.state, 'running');
  await free.exit(0);
});

test('L10 with [daemon] lost = "warn" the runs go on, and that is said loudly', async () => {
  await using home = openHome();
  home.writeConfig('[daemon]\nlost = "warn"\n');
  const daemon = await startImpatientDaemon(home);
  const limited = await startAgentRun(home, { runOptions: ['--max-usd', '5', '--grace', '0s'] });
  freezeStoreOf(home, daemon.pid);
  await limited.tell('spend 100');
  await until(() => logOf(home).includes('go on UNCOUNTED'));
  assert.equal((await home.run(limited.runId)).current.state, 'running');
  // Space again: what was not counted meanwhile is.
  execFileSync('prlimit', ['--pid', String(daemon.pid), '--fsize=unlimited:']);
  await until(() => logOf(home).includes('limits are enforced again'));
  await home.answers(1);
  await limited.exit(0);
});

test('L10 no room at the start: the daemon does not come up, which is said with its code, and no limited run begins', () => {
  const home = mkdtempSync(join(tmpdir(), 'reeve-full-'));
  try {
    const env = { PATH: process.env['PATH'], HOME: home, REEVE_HOME: join(home, 'reeve'), TMPDIR: home };
    const reeve = (...args: readonly string[]) =>
      spawnSync('prlimit', ['--fsize=0', process.execPath, MAIN, ...args], { env, cwd: home, encoding: 'utf8' });
    for (const args of [
      ['up', '--json'],
      ['run', '--max-usd', '1', '--json', '--', 'touch', 'ran'],
    ]) {
      const { stderr, status } = reeve(...args);
      const { error } = JSON.parse(stderr) as { readonly error: Readonly<Record<string, string | null>> };
      assert.deepEqual([error['code'], status], ['STORE_FULL', 69], stderr);
      assert.ok(error['where']?.startsWith(home) && error['hint'] !== null, stderr);
    }
    assert.equal(existsSync(join(home, 'ran')), false);
  } finally {
    rmSync(home, { recursive: true });
  }
});

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

test(
  'L10 a disk that is full for everybody: the limited run is ended all the same, and the store is whole afterwards',
  { skip: canMount ? false : 'needs a mount namespace of its own for a small disk: unshare -rm is not permitted here' },
  async (t) => {
    const disk = mkdtempSync(join(tmpdir(), 'reeve-disk-'));
    // The agent's own logs lie elsewhere: it spends on, unaware.
    const logs = mkdtempSync(join(tmpdir(), 'reeve-logs-'));
    t.after(() => [disk, logs].forEach((folder) => rmSync(folder, { recursive: true })));
    const scenario = join(import.meta.dirname, 'rig/full-disk.ts');
    const script = 'mount -t tmpfs -o size=6m tmpfs "$1" && TMPDIR="$1" exec "$2" "$3" "$4"';
    const { stdout } = await promisify(execFile)('unshare', [
      '-rm',
      'sh',
      '-c',
      script,
      'sh',
      disk,
      process.execPath,
      scenario,
      logs,
    ]);
    const report = JSON.parse(stdout) as FullDiskReport;
    assert.equal(report.agentLives, false);
    assert.ok(report.events.includes('store.failed') && report.events.includes('run.killed'), report.events.join(' '));
    assert.notEqual(report.exit.code, 0);
    assert.match(report.exit.stderr, /STORE_FULL/);
    assert.equal(report.integrity, 'ok');
  },
);
