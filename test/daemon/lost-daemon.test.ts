import assert from 'node:assert/strict';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { identityOf } from '../../src/linux/index.ts';
import { failOnLeaks, watchForLeak } from '../rig/leaks.ts';
import { isAlive, readProcess, type LiveProcess } from '../rig/live-processes.ts';
import { unprivileged } from '../rig/nobody.ts';
import { until } from '../rig/until.ts';
import { createHome, daemonPid, MAIN } from '../shim/home.ts';

failOnLeaks();

const AGENT = join(import.meta.dirname, 'rig/agent.ts');
/** As whom modes count: root writes whatever they say. */
const AS_USER = unprivileged === undefined ? {} : { uid: unprivileged };

/** A limited run of an agent that has spent half of its cap, in a home with this policy. */
async function startLimited(t: TestContext, lost: 'stop' | 'warn') {
  const home = createHome(t);
  const state = join(home.folder, 'reeve');
  mkdirSync(state, { mode: 0o700 });
  writeFileSync(join(state, 'config.toml'), `[daemon]\nlost = "${lost}"\n`);
  if (AS_USER.uid !== undefined)
    for (const path of [home.folder, home.work, join(home.folder, 'user'), state, join(state, 'config.toml')])
      chownSync(path, AS_USER.uid, AS_USER.uid);
  const reeve = (...args: readonly string[]) => home.reeve(args, AS_USER);
  const words = ['run', '--shared', '--max-usd', '0.05', '--grace', '0', '--', process.execPath, AGENT];
  // Its stdin and stdout are the agent's.
  const child = spawn(process.execPath, [MAIN, ...words], { ...AS_USER, cwd: home.work, env: home.env });
  const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
  const ended = Promise.all([exit, text(child.stderr)]).then(([[exitCode], stderr]) => ({ exitCode, stderr }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  /** The daemon that lives; it has lost the mark by which a test finds what it started. */
  const daemon = (): LiveProcess => {
    const identity = identityOf(daemonPid(home) ?? 0);
    assert.ok(identity, 'there is a daemon');
    watchForLeak(identity);
    const found = readProcess(identity.pid);
    assert.ok(found);
    return found;
  };
  const [, agentPid] = String((await lines.next()).value).split(' ');
  const agent = readProcess(Number(agentPid));
  assert.ok(agent);
  return {
    state,
    agent,
    reeve,
    ended,
    async spend(tokens: number) {
      child.stdin.write(`spend ${tokens}\n`);
      await lines.next();
    },
    daemon,
    run: async () => (JSON.parse((await reeve('ps', '--all', '--json')).stdout) as { runs: RunJson[] }).runs.at(-1),
    events: () =>
      readFileSync(join(state, 'events/events.ndjson'), 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { readonly type: string; readonly action?: string }),
    setStoreMode(mode: number) {
      for (const suffix of ['', '-wal', '-shm']) {
        const file = join(state, `reeve.db${suffix}`);
        if (existsSync(file)) chmodSync(file, mode);
      }
    },
    async killDaemon() {
      const killed = daemon();
      process.kill(killed.pid, 'SIGKILL');
      await until(() => !isAlive(killed));
    },
  };
}

test('L10 L14 the daemon of a limited run is killed and cannot come back, its store being read-only: `lost` decides, loudly', async (t) => {
  const [stopped, warned] = await Promise.all([startLimited(t, 'stop'), startLimited(t, 'warn')]);
  await Promise.all(
    [stopped, warned].map(async (one) => {
      await one.spend(2_000);
      one.setStoreMode(0o400);
      await one.killDaemon();
      await one.spend(100);
    }),
  );
  const begun = await stopped.reeve('run', '--shared', '--max-usd', '1', '--', 'touch', 'begun');
  assert.equal(begun.exitCode, 69, begun.stderr);
  assert.match(begun.stderr, /\[STORE_UNREACHABLE\]/u);

  // The contract's 30 s: no test shortens what the command line waits.
  assert.match((await stopped.ended).stderr, /out of reach for 30 s; the run is stopped \(\[daemon\] lost = "stop"\)/u);
  assert.equal(isAlive(stopped.agent), false);
  stopped.setStoreMode(0o600);
  const run = await stopped.run();
  assert.deepEqual([run?.state, run?.endReason], ['interrupted', 'stop']);
  assert.match(run?.error ?? '', /daemon .* out of reach for 30 s/u);

  await until(() => warned.events().some(({ type, action }) => type === 'daemon.lost' && action === 'warn'));
  assert.ok(isAlive(warned.agent), 'it goes on');
  // The spend of that time is not lost: as soon as a daemon can work again, the cap holds.
  await warned.spend(2_000);
  warned.setStoreMode(0o600);
  await until(() => warned.events().some(({ type }) => type === 'run.exited'));
  const end = await warned.ended;
  assert.equal(end.exitCode, 124);
  assert.match(end.stderr, /the run goes on without them \(\[daemon\] lost = "warn"\)/u);
  assert.equal((await warned.run())?.endReason, 'budget-limit');
  warned.daemon();
  assert.equal((await warned.reeve('down')).exitCode, 0);
});
