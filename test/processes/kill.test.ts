import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { placeOf } from '../../src/host/git-place.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { identityOf } from '../../src/processes/identity-of.ts';
import { descendants, findInWorktree, findProcesses, killVerified } from '../../src/processes/kill.ts';
import type { FoundProcess } from '../../src/processes/kill.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';

failOnLeaks();

const { table, signaller } = createLinuxProcesses();
const ports = { table, signaller, clock: systemClock };
const worktreePorts = { table, worktreeOf: (folder: string) => placeOf(folder).worktree };
const kill = (...identities: readonly Identity[]): Promise<unknown> => killVerified(ports, identities, { graceMs: 0 });
const pidsOf = (found: readonly FoundProcess[]): readonly number[] =>
  found.map(({ identity }) => identity.pid).toSorted((a, b) => a - b);

function scratch(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-kill-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder that git would call the root of a worktree. */
function makeWorktree(path: string): string {
  mkdirSync(join(path, '.git/refs'), { recursive: true });
  mkdirSync(join(path, '.git/objects'));
  writeFileSync(join(path, '.git/HEAD'), 'ref: refs/heads/main\n');
  return path;
}

async function startIn(t: TestContext, cwd: string, ...command: readonly string[]): Promise<Identity> {
  const puppet = startPuppet(t, 'script.sh', { cwd, args: command.length === 0 ? ['sleep', '1000'] : command });
  const { leader } = await puppet.report.processes('leader');
  // The shell reports before it becomes the command.
  await until(() => table.details(leader.pid).argv?.[0] !== 'sh' || command[0] === 'sh');
  return leader;
}

test('K8 a worktree whose path begins alike is another one; a path among the arguments counts for nothing', async (t) => {
  const root = scratch(t);
  const one = makeWorktree(join(root, '1086'));
  const other = makeWorktree(join(root, '10861'));
  const agent = await startIn(t, one);
  const neighbour = await startIn(t, other);
  const editor = await startIn(t, root, 'tail', '-f', join(one, '.git/HEAD'));
  assert.deepEqual(pidsOf(findInWorktree(worktreePorts, one)), [agent.pid]);
  assert.deepEqual(pidsOf(findInWorktree(worktreePorts, other)), [neighbour.pid]);
  await killVerified(
    ports,
    findInWorktree(worktreePorts, one).map(({ identity }) => identity),
    { graceMs: 0 },
  );
  assert.ok(table.read(neighbour.pid) && table.read(editor.pid));
  await kill(neighbour, editor);
});

test('K8 a plain subfolder is the same worktree, a worktree nested in it is another', async (t) => {
  const outer = makeWorktree(join(scratch(t), 'outer'));
  const plain = join(outer, 'src/deep');
  mkdirSync(plain, { recursive: true });
  const inner = makeWorktree(join(outer, 'worktrees/inner'));
  mkdirSync(join(inner, 'src'));
  const agents = [
    await startIn(t, outer),
    await startIn(t, plain),
    await startIn(t, inner),
    await startIn(t, join(inner, 'src')),
  ];
  const pids = agents.map(({ pid }) => pid);
  assert.deepEqual(
    pidsOf(findInWorktree(worktreePorts, outer)),
    pids.slice(0, 2).toSorted((a, b) => a - b),
  );
  assert.deepEqual(
    pidsOf(findInWorktree(worktreePorts, inner)),
    pids.slice(2).toSorted((a, b) => a - b),
  );
  assert.deepEqual(findInWorktree(worktreePorts, ''), []);
  await kill(...agents);
});

test('K8 a process whose working folder was removed, or has a name that is no text, is not matched, and hides no other', async (t) => {
  const root = makeWorktree(join(scratch(t), 'root'));
  const gone = join(root, 'gone');
  mkdirSync(gone);
  const unnamed = Buffer.concat([Buffer.from(`${root}/`), Buffer.of(0xff)]);
  mkdirSync(unnamed);
  const lost = await startIn(t, gone);
  const odd = await startIn(t, root, 'sh', '-c', `cd "$(printf '\\377')" && exec sleep 1000`);
  const agent = await startIn(t, root);
  await until(() => table.cwd(odd.pid) !== root);
  rmSync(gone, { recursive: true });
  assert.deepEqual(pidsOf(findInWorktree(worktreePorts, root)), [agent.pid]);
  await kill(lost, odd, agent);
});

test('K8 a process whose working folder cannot be read is never matched', async (t) => {
  const worktree = makeWorktree(join(scratch(t), 'w'));
  const agent = await startIn(t, worktree);
  const blind = { ...worktreePorts, table: { ...pick(table), cwd: () => null } };
  assert.deepEqual(findInWorktree(blind, worktree), []);
  assert.deepEqual(findProcesses(blind.table, { cwd: worktree }), []);
  await kill(agent);
});

test('finds processes by arguments, folder and kind, all of which must hold', async (t) => {
  const folder = scratch(t);
  writeFileSync(join(folder, 'claude'), '#!/bin/sh\nsleep 1000\nexit\n', { mode: 0o700 });
  const agent = await startIn(t, folder, 'sh', join(folder, 'claude'), 'exec', 'task one');
  const other = await startIn(t, folder, 'tail', '-f', '/dev/null');
  const find = (query: Parameters<typeof findProcesses>[1]): readonly number[] => pidsOf(findProcesses(table, query));
  await until(() => descendants(table, agent).length === 1);
  const [sleeper] = descendants(table, agent);
  assert.ok(sleeper);
  await until(() => table.details(sleeper.pid).argv?.[0] === 'sleep');
  assert.deepEqual(find({ cwd: folder, argv: ['exec', 'task one'] }), [agent.pid]);
  assert.deepEqual(find({ cwd: folder, argv: ['task one', 'exec'] }), []);
  assert.deepEqual(find({ cwd: folder, argv: ['task'] }), []);
  assert.deepEqual(find({ cwd: folder, argv: [] }), []);
  assert.deepEqual(find({ cwd: folder, kind: 'claude' }), []);
  assert.deepEqual(
    find({ cwd: folder }),
    [agent.pid, other.pid, sleeper.pid].toSorted((a, b) => a - b),
  );
  assert.deepEqual(find({}), []);
  assert.deepEqual(find({ cwd: '' }), []);
  await kill(agent, other);
});

test('K7 K10 the kill of a reused PID signals nobody, and the descendants of one are none', async (t) => {
  const agent = await startIn(t, scratch(t));
  const stranger = { ...agent, startTicks: agent.startTicks + 1 };
  const receipt = await killVerified(ports, [stranger], { graceMs: 0 });
  assert.deepEqual([receipt.signalled, receipt.survivors], [[], []]);
  assert.deepEqual(descendants(table, stranger), []);
  assert.ok(table.read(agent.pid));
  await kill(agent);
});

test('K10 init, and what lives in another PID namespace, are survivors of a kill that signals neither: nothing is proven of them', async (t) => {
  const agent = await startIn(t, scratch(t));
  const hidden = { ...agent, pidNamespace: '1' };
  const init = { ...table.realm, pid: 1, startTicks: table.read(1)?.startTicks ?? 0 };
  const receipt = await killVerified(ports, [hidden, init], { graceMs: 0 });
  assert.deepEqual(
    receipt.survivors.map(({ pid, why }) => [pid, why]),
    [
      [agent.pid, 'it lives in another PID namespace, and cannot be seen from here'],
      [1, 'init is never signalled'],
    ],
  );
  assert.deepEqual([receipt.signalled, receipt.provenEmpty], [[], false]);
  assert.ok(table.read(agent.pid));
  const ended = await killVerified(ports, [{ ...agent, bootId: 'an earlier boot' }, agent], { graceMs: 0 });
  assert.deepEqual([ended.survivors, ended.provenEmpty], [[], true]);
});

test('a grace that is no time kills nobody: it is refused', async (t) => {
  const agent = await startIn(t, scratch(t));
  for (const ms of [Number.NaN, -1, '10s' as unknown as number, undefined as unknown as number])
    await assert.rejects(killVerified(ports, [agent], { graceMs: ms }), { code: 'USAGE' });
  await assert.rejects(killVerified(ports, [agent], { graceMs: 0, verifyMs: Number.NaN }), { code: 'USAGE' });
  assert.ok(table.read(agent.pid));
  await kill(agent);
});

test('K8 a folder with a slash at its end is that folder, and the root is above all', async (t) => {
  const folder = scratch(t);
  const agent = await startIn(t, folder);
  for (const cwd of [folder, `${folder}/`]) assert.deepEqual(pidsOf(findProcesses(table, { cwd })), [agent.pid]);
  assert.deepEqual(findProcesses(table, { cwd: `${folder}0/` }), []);
  assert.ok(pidsOf(findProcesses(table, { cwd: '/' })).includes(agent.pid));
  await kill(agent);
});

test('descendants are listed children first', async (t) => {
  const puppet = startPuppet(t, 'exponential.sh', { args: ['7'] });
  const { leader } = await puppet.report.processes('leader');
  await until(() => descendants(table, leader).length >= 6);
  const found = descendants(table, leader);
  const position = new Map(found.map(({ pid }, index) => [pid, index]));
  for (const { pid } of found) {
    const parent = position.get(table.read(pid)?.ppid ?? 0);
    if (parent !== undefined) assert.ok(parent > (position.get(pid) ?? 0));
  }
  await kill(leader);
  await puppet.exited;
});

/** The methods of a table as properties, to be replaced one by one. */
function pick(from: typeof table): typeof table {
  return {
    realm: from.realm,
    ticksPerSecond: from.ticksPerSecond,
    list: () => from.list(),
    read: (pid) => from.read(pid),
    details: (pid) => ({ ...from.details(pid), cwd: null }),
    cwd: (pid) => from.cwd(pid),
    environment: (pid, name) => from.environment(pid, name),
  };
}

test('K10 what is no PID is nobody', () => {
  for (const pid of [0, -1, 1.5, process.pid + 0.5, Number.NaN, Infinity, -Infinity, 2 ** 53])
    assert.equal(identityOf(table, pid), null, String(pid));
  assert.equal(identityOf(table, process.pid)?.pid, process.pid);
});
