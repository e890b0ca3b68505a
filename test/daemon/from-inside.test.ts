import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { outcomeOf, startedOf } from '../../src/runs/lifecycle.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { answerLine } from './rig/answer-line.ts';
import { openHome } from './rig/home.ts';

failOnLeaks();

const CLI = join(import.meta.dirname, '../../src/cli/main.ts');
const ONE_CENT = `
[[limit]]
name = "daily"
period = "daily"
usd = 0.01
grace = "0s"
`;

test('K15 a daemon that was started from inside a run stops that run too, with nothing left', async () => {
  await using home = openHome();
  // Only the inner run is limited, so its shim starts the daemon, which then descends from the outer run's command.
  const inner = `"${process.execPath}" "${CLI}" run --max-usd 5 -- sh -c 'echo ready; exec sleep 600'`;
  const outer = spawn(process.execPath, [CLI, 'run', '--name', 'outer', '--', 'sh', '-c', `${inner}; sleep 600`], {
    cwd: home.project,
    env: home.env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = once(outer, 'exit');
  await once(createInterface({ input: outer.stdout }), 'line');
  const daemon = home.daemon();
  assert.ok(daemon !== null);
  const [run] = await home.withStore((store) => store.runs.list({ name: 'outer' }));
  assert.ok(run !== undefined);
  const leader = startedOf(run.current)?.identity;
  assert.ok(leader !== undefined);
  const line: number[] = [];
  for (let pid = daemon.pid; pid > 1; pid = readProcess(pid)?.ppid ?? 0) line.push(pid);
  assert.ok(line.includes(leader.pid), 'the daemon descends from the command');

  home.writeConfig(ONE_CENT);
  const log = join(home.claudeDir, 'projects', 'p', 's.jsonl');
  mkdirSync(dirname(log), { recursive: true });
  appendFileSync(log, answerLine({ sessionId: 's', cwd: home.project, at: Date.now(), outputTokens: 2_000 }));

  assert.deepEqual(await ended, [124, null]);
  assert.notEqual(readProcess(leader.pid)?.startTicks, leader.startTicks);
  assert.equal(outcomeOf((await home.run(run.intent.id)).current)?.endReason, 'budget-limit');
  const receipts = await home.withStore((store) => store.runs.receipts(run.intent.id));
  assert.deepEqual(
    receipts.flatMap(({ survivors }) => survivors),
    [],
  );
});

test('D1 the daemon is found from an environment that puts sockets elsewhere', async () => {
  await using home = openHome();
  const elsewhere = openHome({ REEVE_HOME: home.paths.stateDir });
  try {
    const up = JSON.parse((await home.cli('up', '--json')).stdout) as { readonly pid: number };
    assert.deepEqual(JSON.parse((await elsewhere.cli('up', '--json')).stdout), { started: false, pid: up.pid });
    assert.match((await elsewhere.cli('status')).stdout, new RegExp(`pid ${up.pid}`, 'u'));
    assert.equal((await elsewhere.cli('down')).stdout, `stopped (pid ${up.pid})\n`);
    assert.deepEqual(readdirSync(join(home.paths.stateDir, 'sockets')), []);
    assert.deepEqual(readdirSync(home.paths.socketDir), []);
  } finally {
    await elsewhere[Symbol.asyncDispose]();
  }
});
