import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test, type TestContext } from 'node:test';
import { createMemoryStore, createRegistry, identityOf, openSqliteStore, systemClock } from '../../src/index.ts';
import { ReeveError } from '../../src/errors.ts';
import { outcomeOf, startedOf } from '../../src/runs/lifecycle.ts';
import type { RunStore } from '../../src/runs/ports.ts';
import type { RunRecord } from '../../src/runs/record.ts';
import { codeOf } from '../contracts/samples.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { isAlive } from '../runs/stage.ts';
import { openStage } from './stage.ts';

failOnLeaks();

const SHELL = { source: 'acp_terminal', command: 'sh' } as const;

function endOf(record: RunRecord) {
  const { exitCode, signal, endReason, error } = outcomeOf(record.current) ?? assert.fail('it has not ended');
  return { state: record.current.state, exitCode, signal, endReason, error };
}

function folderOf(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-spawn-')));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('starts a command with owner ids, folder, variables and descriptors, and records its exit once', async (t) => {
  const { store, registry } = await openStage(t);
  const folder = folderOf(t);
  const run = await registry.spawn({
    ...SHELL,
    args: ['-c', 'read line; echo "$line $PWD $WORD $REEVE_RUN"; echo aside >&2; exit 3'],
    cwd: folder,
    env: { WORD: 'hello' },
    owner: { sessionId: ' s1 ', toolCallId: 't1' },
    labels: { team: 'blue' },
    name: 'shell',
  });
  const { stdin, stdout, stderr } = run.child;
  assert.ok(stdin !== null && stdout !== null && stderr !== null);
  const running = (await store.runs.get(run.id)) ?? assert.fail();
  const { intent } = running;
  assert.deepEqual([intent.owner.sessionId, intent.owner.toolCallId, intent.cwd], ['s1', 't1', folder]);
  assert.deepEqual([intent.name, intent.labels, intent.shim], ['shell', { team: 'blue' }, null]);
  const { pid } = run.child;
  assert.deepEqual(startedOf(running.current)?.identity, identityOf(pid ?? 0));
  assert.deepEqual([startedOf(running.current)?.sessionId, startedOf(running.current)?.processGroupId], [pid, pid]);
  stdin.end('line\n');
  const said = await Promise.all([text(stdout), text(stderr)]);
  assert.deepEqual(said, [`line ${folder} hello ${run.env['REEVE_RUN']}\n`, 'aside\n']);
  const ended = await run.ended;
  assert.deepEqual(endOf(ended), { state: 'failed', exitCode: 3, signal: null, endReason: 'exit', error: null });
  assert.deepEqual(await run.complete({ exitCode: 0 }), ended, 'what is said later changes nothing');
  assert.equal(await codeOf(run.checkpoint({ error: 'late' })), 'RUN_ENDED');
});

test('without a store a spawned run lives here alone, and is interrupted like any other', async () => {
  const registry = createRegistry();
  const run = await registry.spawn({ source: 'hook', owner: { hookName: 'h' }, command: 'sleep', args: ['1000'] });
  const { matched, signaled } = await registry.interrupt({ hookName: 'h', reason: 'enough' });
  assert.deepEqual([matched, signaled], [1, 1]);
  const end = { state: 'interrupted', exitCode: null, signal: 'SIGINT', endReason: 'interrupt', error: 'enough' };
  assert.deepEqual(endOf(await run.ended), end);
  assert.equal((await registry.reconcileBoot()).checked, 0);
});

test('a hard interrupt ends the tree of a spawned run, and its record tells the signal', async (t) => {
  const { registry } = await openStage(t);
  const report = createReport(t);
  const [command, ...args] = puppetCommand('stubborn.sh', report);
  const run = await registry.spawn({ source: 'subprocess', command, args });
  const { leader, child } = await report.processes('leader', 'child');
  await registry.interrupt({ run: run.id, hard: true, graceMs: 0 });
  const end = { state: 'interrupted', exitCode: null, signal: 'SIGKILL', endReason: 'interrupt', error: null };
  assert.deepEqual(endOf(await run.ended), end);
  assert.ok(!isAlive(leader) && !isAlive(child));
});

test('K11 what a spawned command leaves behind is swept, also with a cleared environment, and is in the receipt', async (t) => {
  const { store, registry } = await openStage(t);
  const run = await registry.spawn({
    ...SHELL,
    args: ['-c', 'env -i sleep 1000 >/dev/null & echo $!; setsid sleep 1001 >/dev/null & echo $!; exit 7'],
    stdio: ['ignore', 'pipe', 'inherit'],
    graceMs: 30_000,
  });
  const left = (await text(run.child.stdout ?? assert.fail())).trim().split('\n').map(Number);
  const end = { state: 'failed', exitCode: 7, signal: null, endReason: 'exit', error: null };
  assert.deepEqual(endOf(await run.ended), end);
  const [receipt] = await store.runs.receipts(run.id);
  assert.ok(receipt?.reason === 'sweep');
  assert.equal(receipt.provenEmpty, true);
  assert.deepEqual(new Set(receipt.signalled.map(({ pid }) => pid)), new Set(left));
});

test('a command that cannot be started is a failed run, and nothing else', async (t) => {
  const { store, registry } = await openStage(t);
  const folder = folderOf(t);
  const data = join(folder, 'data');
  writeFileSync(data, 'no program');
  chmodSync(data, 0o644);
  for (const [command, code, exitCode] of [
    ['no-such-command-of-anyone', 'COMMAND_NOT_FOUND', 127],
    [data, 'COMMAND_NOT_EXECUTABLE', 126],
  ] as const) {
    assert.equal(await codeOf(registry.spawn({ source: 'subprocess', command, cwd: folder })), code);
    const [record] = await store.runs.list({ limit: 1 });
    assert.ok(record !== undefined);
    const { state, exitCode: recorded, error } = endOf(record);
    assert.deepEqual([state, recorded, startedOf(record.current)], ['failed', exitCode, null]);
    assert.match(error ?? '', new RegExp(command, 'u'));
  }
  const gone = join(folder, 'gone');
  assert.equal(await codeOf(registry.spawn({ source: 'subprocess', command: 'true', cwd: gone })), 'FOLDER_NOT_FOUND');
  assert.equal(await codeOf(registry.spawn({ source: 'other' as 'hook', command: 'true' })), 'USAGE');
  assert.equal((await store.runs.list({})).length, 2, 'what is refused leaves no record');
});

test('O8 secrets of a spawned command reach the command, and no record', async (t) => {
  const { store, registry } = await openStage(t);
  const secret = 'hunter2-0123456789';
  const args = ['-c', 'echo "$0 $TOKEN"', `--api-key=${secret}`];
  const session = 'ghp_0123456789abcdefghijABCDEFGHIJ012345';
  const given = { labels: { api_key: secret, team: 'blue' }, owner: { sessionId: session } };
  const run = await registry.spawn({ ...SHELL, ...given, args, env: { TOKEN: secret } });
  assert.equal(await text(run.child.stdout ?? assert.fail()), `--api-key=${secret} ${secret}\n`);
  await run.ended;
  const recorded = JSON.stringify(await store.runs.list({}));
  assert.ok(!recorded.includes(secret) && !recorded.includes(session), recorded);
  // Whoever knows it still finds the run by it.
  for (const scope of [{ sessionId: session }, { labels: { api_key: secret } }, { labels: { team: 'blue' } }])
    assert.deepEqual(
      (await registry.list({ scope })).map(({ intent }) => intent.id),
      [run.id],
    );
  assert.deepEqual(await registry.list({ scope: { sessionId: `${session}0` } }), []);
});

test('a run that is stopped before it has started never runs', async (t) => {
  const { store, registry: other } = await openStage(t);
  const launched: number[] = [];
  const runs: RunStore = {
    ...store.runs,
    // Between the intent and the start somebody else ends it; told from here, because no signal says when that moment is.
    async insert(...given) {
      const record = await store.runs.insert(...given);
      await other.interrupt({ run: record.intent.id, hard: true, graceMs: 0, reason: 'changed my mind' });
      return record;
    },
    async update(...change) {
      const [, next] = change;
      const pid = startedOf(next)?.identity.pid;
      if (pid !== undefined) launched.push(pid);
      return store.runs.update(...change);
    },
  };
  const registry = createRegistry({ runs });
  assert.equal(await codeOf(registry.spawn({ source: 'subprocess', command: 'sleep', args: ['1000'] })), 'RUN_ENDED');
  const [record] = await store.runs.list({});
  assert.equal(record?.current.state, 'interrupted');
  assert.ok(launched.every((pid) => readProcess(pid) === null));
});

test('a command whose start cannot be recorded is ended at once', async () => {
  const { runs } = createMemoryStore();
  let pid = 0;
  const full: RunStore = {
    ...runs,
    async update(read, next, ...rest) {
      if (next.state !== 'running') return runs.update(read, next, ...rest);
      ({ pid } = next.started.identity);
      throw new ReeveError('STORE_FULL', 'no space left');
    },
  };
  const registry = createRegistry({ runs: full });
  assert.equal(await codeOf(registry.spawn({ source: 'subprocess', command: 'sleep', args: ['1000'] })), 'STORE_FULL');
  assert.notEqual(pid, 0);
  assert.equal(readProcess(pid), null);
  const [record] = await runs.list({});
  assert.equal(record?.current.state, 'failed');
});

test('O5 an exit that a full disk keeps from being recorded is told again', async () => {
  const { runs } = createMemoryStore();
  let refusals = 2;
  const filling: RunStore = {
    ...runs,
    async update(read, next, ...rest) {
      if ('outcome' in next && refusals > 0) {
        refusals -= 1;
        throw new ReeveError('STORE_FULL', 'no space left');
      }
      return runs.update(read, next, ...rest);
    },
  };
  const run = await createRegistry({ runs: filling }).spawn({ ...SHELL, args: ['-c', 'exit 4'] });
  const end = { state: 'failed', exitCode: 4, signal: null, endReason: 'exit', error: null };
  assert.deepEqual(endOf(await run.ended), end);
  assert.equal(refusals, 0);
});

for (const [moment, verdict] of [
  ['intended', 'unstarted'],
  ['started', 'recovered'],
] as const)
  test(`O2 a program that is killed when its command is ${moment} leaves a run that is ${verdict}`, async (t) => {
    const path = join(folderOf(t), 'reeve.db');
    const program = join(import.meta.dirname, 'programs/killed-spawner.ts');
    const { signal } = spawnSync(process.execPath, [program, path, moment], { stdio: 'inherit' });
    assert.equal(signal, 'SIGKILL');
    await using store = await openSqliteStore({ path, clock: systemClock });
    const registry = createRegistry(store);
    const found = await registry.reconcileBoot();
    assert.deepEqual([found.checked, found[verdict]], [1, 1]);
    const [finding] = found.runs;
    assert.equal(finding?.record.current.state, verdict === 'unstarted' ? 'failed' : 'starting');
    if (verdict === 'recovered') await registry.interrupt({ run: finding.record.intent.id, hard: true, graceMs: 0 });
    assert.deepEqual((await registry.reconcileBoot()).checked, 0);
    await registry.close();
  });
