import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { killVerified } from '../../src/processes/kill.ts';
import type { ProcessHandle, Signaller } from '../../src/processes/ports.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startPuppet } from '../rig/puppet.ts';

failOnLeaks();

const { table, signaller } = createLinuxProcesses();
const clock = systemClock;
const PUPPETS = join(import.meta.dirname, '../rig/puppets');

/** The real signaller, except that signals to one process end as `outcome` says and have no effect. */
function signallerThatSpares(spared: Identity, outcome: 'sent' | 'denied'): Signaller {
  const inner = new Map<ProcessHandle, ProcessHandle>();
  return {
    open(identity) {
      const opened = signaller.open(identity);
      if (opened.kind !== 'open' || identity.pid !== spared.pid) return opened;
      const handle: ProcessHandle = { identity, send: () => outcome, close: () => opened.handle.close() };
      inner.set(handle, opened.handle);
      return { kind: 'open', handle };
    },
    async waitAny(handles, timeoutMs) {
      const real = handles.map((handle) => inner.get(handle) ?? handle);
      const exited = await signaller.waitAny(real, timeoutMs);
      return handles.filter((handle) => exited.includes(inner.get(handle) ?? handle));
    },
  };
}

async function output(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number; readonly text: string; readonly errors: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const [code] = (await once(child, 'close')) as [number];
  return { code, text, errors };
}

for (const [outcome, why] of [
  ['denied', /^permission denied$/u],
  ['sent', /^still alive after KILL \(state [A-Z]\)$/u],
] as const) {
  for (const graceMs of [0, 100]) {
    test(`K5 a member whose signals are ${outcome} but useless is a survivor, all others end (grace ${graceMs})`, async (t) => {
      const puppet = startPuppet(t, 'stubborn.sh');
      const { leader, child } = await puppet.report.processes('leader', 'child');
      const spared = signallerThatSpares(child, outcome);
      const receipt = await killVerified({ table, signaller: spared, clock }, [leader], { graceMs, verifyMs: 1_000 });
      assert.equal(receipt.provenEmpty, false);
      assert.deepEqual(
        receipt.survivors.map(({ pid }) => pid),
        [child.pid],
      );
      assert.match(receipt.survivors[0]?.why ?? '', why);
      const signalled = receipt.signalled.find(({ pid }) => pid === child.pid);
      assert.equal(signalled?.diedMs, outcome === 'denied' ? undefined : null);
      const [, signal] = await puppet.exited;
      assert.equal(signal, 'SIGKILL');
      await killVerified({ table, signaller, clock }, [child], { graceMs: 0 });
    });
  }
}

test('K5 a survivor that ends while it is being verified is none', async (t) => {
  const puppet = startPuppet(t, 'polite.ts');
  const { leader } = await puppet.report.processes('leader');
  const spared = signallerThatSpares(leader, 'denied');
  const stopping = killVerified({ table, signaller: spared, clock }, [leader], { graceMs: 0, verifyMs: 30_000 });
  puppet.child.kill('SIGTERM');
  const receipt = await stopping;
  assert.deepEqual([receipt.survivors, receipt.provenEmpty], [[], true]);
  await puppet.exited;
});

test("K5 another user's process is a survivor: permission denied", async (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root, to have a process of another user to aim at');
  const puppet = startPuppet(t, 'sleeper.sh');
  const { leader } = await puppet.report.processes('leader');
  const { text } = await output(process.execPath, [join(PUPPETS, 'unprivileged-killer.ts'), JSON.stringify(leader)]);
  const receipt = JSON.parse(text) as Receipt;
  assert.deepEqual(receipt.signalled, []);
  assert.equal(receipt.provenEmpty, false);
  assert.deepEqual(
    receipt.survivors.map(({ pid, why }) => [pid, why]),
    [[leader.pid, 'permission denied']],
  );
  assert.equal(table.read(leader.pid)?.startTicks, leader.startTicks);
  await killVerified({ table, signaller, clock }, [leader], { graceMs: 0 });
  await puppet.exited;
});

test('K5 a stop from within names the stopping process and its ancestors as survivors and ends all others', async (t) => {
  const puppet = startPuppet(t, 'sleeper.sh');
  const { leader } = await puppet.report.processes('leader');
  const { self } = createLinuxProcesses();
  const receipt = await killVerified({ table, signaller, clock }, [self], { graceMs: 0 });
  assert.deepEqual(
    receipt.survivors.map(({ pid, why }) => [pid, why]),
    [[process.pid, 'it is the process that stops the tree, or an ancestor of it']],
  );
  assert.deepEqual(
    receipt.signalled.map(({ pid }) => pid),
    [leader.pid],
  );
  assert.equal(receipt.provenEmpty, false);
  await puppet.exited;
});

for (const processTable of ['', 'portable'])
  test(`K7 a PID that the kernel has handed out again is never signalled${processTable && ' (by ps and kill)'}`, async (t) => {
    const isRoot = process.getuid?.() === 0;
    const rights = isRoot ? [] : ['--user', '--map-root-user'];
    const namespace = [...rights, '--pid', '--fork', '--kill-child', '--mount-proc'];
    const probe = await output('unshare', [...namespace, 'sh', '-c', 'echo 100 >/proc/sys/kernel/ns_last_pid']);
    if (probe.code !== 0) return t.skip(`no PID namespace of its own can be made here: ${probe.errors.trim()}`);
    const puppet = [`REEVE_PROCESS_TABLE=${processTable}`, process.execPath, join(PUPPETS, 'reused-pid.ts')];
    const run = await output('unshare', [...namespace, 'env', ...puppet]);
    assert.equal(run.code, 0, run.errors);
    assert.deepEqual(JSON.parse(run.text), { sent: 'gone', signalled: [], survivors: [], alive: true });
  });
