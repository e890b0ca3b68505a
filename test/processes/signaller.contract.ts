import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ReeveError } from '../../src/errors.ts';
import { systemClock } from '../../src/host/clock.ts';
import { parseStatLine } from '../../src/linux/stat-line.ts';
import type { Identity } from '../../src/processes/identity.ts';
import { killVerified } from '../../src/processes/kill.ts';
import type { ProcessHandle, Processes } from '../../src/processes/ports.ts';
import { startPuppet } from '../rig/puppet.ts';
import type { Puppet } from '../rig/puppet.ts';

/** Where the signaller comes from, also for a process of its own. */
export interface SignallerSource {
  readonly name: string;
  /** A function that its module exports by its own name. */
  readonly create: () => Processes;
  /** Below `src/`. */
  readonly module: string;
}

/** What every adapter of the port must do. `numRuns`: fewer where each look starts a program. */
export function testSignaller(source: SignallerSource, patience: { readonly numRuns?: number } = {}): void {
  const { table, signaller, self } = source.create();
  const kill = (...identities: readonly Identity[]): Promise<unknown> =>
    killVerified({ table, signaller, clock: systemClock }, identities, { graceMs: 0 });
  const src = (path: string): string => JSON.stringify(import.meta.resolve(`../../src/${path}`));

  /** The leader as this table names it. */
  async function leaderOf({ report }: Puppet): Promise<Identity> {
    const [pid = 0] = await report.pids('leader');
    const row = table.read(pid);
    assert.ok(row);
    const identity = { ...table.realm, pid, startTicks: row.startTicks };
    await report.processes('leader');
    return identity;
  }

  function open(identity: Identity): ProcessHandle {
    const opened = signaller.open(identity);
    assert.ok(opened.kind === 'open');
    return opened.handle;
  }

  function assertRefused(identity: Identity): void {
    assert.throws(
      () => signaller.open(identity),
      (error) => error instanceof ReeveError && error.code === 'SIGNAL_REFUSED',
      `PID ${identity.pid} is not refused`,
    );
  }

  function ownLine(): readonly number[] {
    const line: number[] = [];
    for (let pid = process.pid; pid > 0; pid = table.read(pid)?.ppid ?? 0) line.push(pid);
    return line;
  }

  test(`${source.name}: K10 no PID of 1 or below, no fraction and no NaN is ever opened, whatever else the identity says`, () => {
    const anyRealm = fc.constantFrom(table.realm, { bootId: '', pidNamespace: '' });
    const anyPid = fc.oneof(
      fc.integer({ max: 1 }),
      fc.constantFrom(0, 1, -0, -1, Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
      fc.double({ noInteger: true }),
    );
    fc.assert(
      fc.property(anyRealm, anyPid, fc.nat(), (realm, pid, startTicks) => assertRefused({ ...realm, pid, startTicks })),
      { numRuns: 1_000 },
    );
  });

  test(`${source.name}: K10 this process and its ancestors are refused, whatever start time is claimed`, () => {
    const line = ownLine();
    assert.ok(line.includes(process.pid) && line.includes(process.ppid));
    fc.assert(
      fc.property(fc.constantFrom(...line), fc.option(fc.nat(), { nil: null }), (pid, claimed) => {
        const startTicks = claimed ?? table.read(pid)?.startTicks ?? 0;
        assertRefused({ ...table.realm, pid, startTicks });
      }),
      { numRuns: patience.numRuns ?? 500 },
    );
    assertRefused(self);
  });

  test(`${source.name}: K10 what was an ancestor and is none any more is no longer refused`, async (t) => {
    // Its parent ends when told to; its grandparent lives on.
    const script = `
    import { ${source.create.name} as create } from ${src(source.module)};
    const { table, signaller } = create();
    const parent = process.ppid;
    const { ppid } = table.read(parent);
    const grandparent = { ...table.realm, pid: ppid, startTicks: table.read(ppid).startTicks };
    const look = () => { try { return signaller.open(grandparent).kind; } catch (error) { return error.code; } };
    console.log(look());
    while (process.ppid === parent) await new Promise((resolve) => setTimeout(resolve, 1));
    console.log(look());`;
    const parent = '"$0" --input-type=module -e "$1" & read -r _';
    const grandparent = spawn('sh', ['-c', `sh -c '${parent}' "$0" "$1"; exec cat`, process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    t.after(() => grandparent.kill('SIGKILL'));
    const lines = createInterface({ input: grandparent.stdout })[Symbol.asyncIterator]();
    assert.equal((await lines.next()).value, 'SIGNAL_REFUSED');
    grandparent.stdin.write('end\n');
    assert.equal((await lines.next()).value, 'open');
    grandparent.stdin.end();
    await once(grandparent, 'exit');
  });

  test(`${source.name}: K10 no random identity opens anything but the process that it is`, () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 2 ** 22 }), fc.nat(), (pid, startTicks) => {
        fc.pre(!ownLine().includes(pid) && table.read(pid)?.startTicks !== startTicks);
        assert.equal(signaller.open({ ...table.realm, pid, startTicks }).kind, 'gone');
      }),
      { numRuns: patience.numRuns ?? 1_000 },
    );
  });

  test(`${source.name}: K10 a thread of another process is no process`, async (t) => {
    const puppet = startPuppet(t, 'polite.ts');
    const leader = await leaderOf(puppet);
    const threads = readdirSync(`/proc/${leader.pid}/task`).map(Number);
    for (const pid of threads.filter((thread) => thread !== leader.pid)) {
      const line = readFileSync(`/proc/${pid}/stat`);
      const ticksOfThread = parseStatLine(line, line.length)?.row.startTicks ?? 0;
      for (const startTicks of [ticksOfThread, leader.startTicks])
        assert.equal(signaller.open({ ...table.realm, pid, startTicks }).kind, 'gone');
    }
    assert.ok(threads.length > 1);
    await kill(leader);
    await puppet.exited;
  });

  test(`${source.name}: a handle signals its process, notices the exit, and then reaches nobody`, async (t) => {
    const puppet = startPuppet(t, 'sleeper.sh');
    const leader = await leaderOf(puppet);
    const handle = open(leader);
    assert.deepEqual(await signaller.waitAny([handle], 0), []);
    assert.deepEqual(await signaller.waitAny([handle], 5), []);
    assert.equal(handle.send('TERM'), 'sent');
    assert.deepEqual(await signaller.waitAny([handle], 30_000), [handle]);
    assert.deepEqual(await signaller.waitAny([handle], 30_000), [handle]);
    assert.deepEqual(await puppet.exited, [null, 'SIGTERM']);
    assert.equal(handle.send('KILL'), 'gone');
    assert.equal(signaller.open(leader).kind, 'gone');
    handle.close();
    handle.close();
  });

  test(`${source.name}: several waits at once each get their own exits`, async (t) => {
    const puppets = [1, 2, 3].map(() => startPuppet(t, 'sleeper.sh'));
    const leaders = await Promise.all(puppets.map(leaderOf));
    const handles = leaders.map((leader) => open(leader));
    const [first, second, third] = handles;
    assert.ok(first && second && third);
    const both = signaller.waitAny([first, second], 30_000);
    const one = signaller.waitAny([second], 30_000);
    const never = signaller.waitAny([third], 10);
    second.send('KILL');
    assert.deepEqual(await both, [second]);
    assert.deepEqual(await one, [second]);
    assert.deepEqual(await never, []);
    for (const handle of handles) handle.close();
    await kill(...leaders);
    await Promise.all(puppets.map(({ exited }) => exited));
  });

  test(`${source.name}: who waits for an exit is told of one that somebody else's look finds first`, async (t) => {
    const puppets = [1, 2].map(() => startPuppet(t, 'sleeper.sh'));
    const leaders = await Promise.all(puppets.map(leaderOf));
    const [dies, lives] = leaders.map((leader) => open(leader));
    assert.ok(dies && lives);
    const waiting = signaller.waitAny([dies], 30_000);
    dies.send('KILL');
    // Without a turn of the event loop, which would tell of the exit before anybody looks.
    while (table.read(dies.identity.pid)?.state !== 'Z');
    assert.deepEqual(await signaller.waitAny([lives], 0), []);
    assert.deepEqual(await waiting, [dies]);
    for (const handle of [dies, lives]) handle.close();
    await kill(...leaders);
    await Promise.all(puppets.map(({ exited }) => exited));
  });

  test(`${source.name}: a stopped process is not taken for an ended one`, async (t) => {
    const puppet = startPuppet(t, 'sleeper.sh');
    const leader = await leaderOf(puppet);
    const handle = open(leader);
    handle.send('STOP');
    assert.deepEqual(await signaller.waitAny([handle], 20), []);
    handle.close();
    await kill(leader);
    await puppet.exited;
  });

  test(`${source.name}: neither open handles nor a wait delay the end of the process`, async (t) => {
    const puppet = startPuppet(t, 'sleeper.sh');
    const leader = await leaderOf(puppet);
    const script = `
    import { ${source.create.name} as create } from ${src(source.module)};
    const { signaller } = create();
    const opened = signaller.open(${JSON.stringify(leader)});
    if (process.argv[1] === 'exit') {
      signaller.waitAny([opened.handle], 600_000);
      process.exit(7);
    }
    await signaller.waitAny([opened.handle], 1);
    process.exitCode = 7;`;
    for (const how of ['exit', 'idle']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, how], {
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      assert.deepEqual(await once(child, 'exit'), [7, null], how);
    }
    await kill(leader);
    await puppet.exited;
  });

  test(`${source.name}: a tree larger than the limit on open files is ended all the same`, async (t) => {
    const puppet = startPuppet(t, 'crowd.sh', { args: ['300'] });
    const leader = await leaderOf(puppet);
    const script = `
    import { ${source.create.name} as create } from ${src(source.module)};
    import { killVerified } from ${src('processes/kill.ts')};
    import { systemClock } from ${src('host/clock.ts')};
    const receipt = await killVerified({ ...create(), clock: systemClock }, [${JSON.stringify(leader)}], { graceMs: 0 });
    process.stdout.write(JSON.stringify([receipt.signalled.length, receipt.survivors, receipt.provenEmpty]));`;
    const child = spawn(
      'sh',
      ['-c', 'ulimit -n 200; exec "$0" "$@"', process.execPath, '--input-type=module', '-e', script],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child, 'close');
    assert.deepEqual(JSON.parse(output), [300, [], true]);
    await puppet.exited;
  });
}
