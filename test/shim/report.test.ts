import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it, type TestContext } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { writeReportFile } from '../../src/shim/report-file.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, MAIN, type CommandEnd } from './home.ts';

failOnLeaks();

interface Report {
  readonly run: RunJson;
  readonly exit: { readonly exitCode: number | null; readonly signal: string | null };
  readonly receipts: readonly unknown[];
  readonly survivors: readonly unknown[];
}

const reportIn = (written: string): Report => JSON.parse(written) as Report;

function make(...command: readonly [string, ...string[]]): string {
  const [program, ...args] = command;
  const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

/** Reads without waiting: who writes must have done so. */
function readAll(fd: number): string {
  const bytes = Buffer.alloc(1024 * 1024);
  return bytes.toString('utf8', 0, readSync(fd, bytes));
}

function reader(t: TestContext, fifo: string): number {
  const fd = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
  t.after(() => closeSync(fd));
  return fd;
}

function assertRefused(end: CommandEnd, message: RegExp): void {
  assert.match(end.stderr, message);
  assert.match(end.stderr, / \[REPORT_UNWRITABLE\]\n  nothing was started/u);
  assert.equal(end.exitCode, 2);
}

describe('the report of a run', () => {
  it('is a file, 0600 and whole, also where one was before', async (t) => {
    const home = createHome(t);
    const file = join(home.work, 'report.json');
    writeFileSync(file, 'an older one', { mode: 0o644 });
    await home.reeve(['run', '--report', 'report.json', '--', 'sh', '-c', 'exit 7']);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const report = reportIn(readFileSync(file, 'utf8'));
    assert.deepEqual(report.exit, { exitCode: 7, signal: null });
    assert.equal(report.run.state, 'failed');
    assert.equal(report.run.id, (await home.onlyRun()).id);
    assert.deepEqual([report.receipts, report.survivors], [[], []]);
    assert.deepEqual(
      readdirSync(home.work).filter((name) => name !== '.reeve'),
      ['report.json'],
    );
  });

  it('goes through a link to what that leads to, be it there or not', async (t) => {
    const home = createHome(t);
    mkdirSync(join(home.work, 'below'));
    for (const [link, target] of [
      ['there', 'below/there.json'],
      ['promised', 'below/promised.json'],
    ] as const) {
      if (link === 'there') writeFileSync(join(home.work, target), 'an older one');
      symlinkSync(target, join(home.work, link));
      await home.reeve(['run', '--report', link, '--', 'sh', '-c', 'exit 7']);
      assert.equal(readlinkSync(join(home.work, link)), target);
      assert.equal(lstatSync(join(home.work, target)).isFile(), true);
      assert.equal(reportIn(readFileSync(join(home.work, target), 'utf8')).exit.exitCode, 7);
    }
  });

  it('is written to a FIFO, which stays one', async (t) => {
    const home = createHome(t);
    const fifo = join(home.work, 'fifo');
    assert.equal(make('mkfifo', fifo), '');
    const fd = reader(t, fifo);
    assert.equal((await home.reeve(['run', '--report', 'fifo', '--', 'sh', '-c', 'exit 7'])).exitCode, 7);
    assert.equal(reportIn(readAll(fd)).exit.exitCode, 7);
    assert.equal(lstatSync(fifo).isFIFO(), true);
  });

  it('waits for nobody to open a FIFO, and says so', async (t) => {
    const home = createHome(t);
    const fifo = join(home.work, 'fifo');
    assert.equal(make('mkfifo', fifo), '');
    const end = await home.reeve(['run', '--report', 'fifo', '--', 'sh', '-c', 'exit 7']);
    assert.equal(end.exitCode, 7);
    assert.match(end.stderr, /fifo: nobody reads it \[REPORT_UNWRITABLE\]\n/u);
    assert.equal(lstatSync(fifo).isFIFO(), true);
    assert.equal((await home.onlyRun()).state, 'failed');
  });

  it('waits only so long for a reader that reads nothing', async (t) => {
    const fifo = join(createHome(t).work, 'fifo');
    assert.equal(make('mkfifo', fifo), '');
    reader(t, fifo);
    let sleptMs = 0;
    const clock = { now: () => 0, monotonicMs: () => 0, sleep: async (ms: number) => void (sleptMs += ms) };
    const report = { text: 'x'.repeat(1024 * 1024), name: 'report', clock };
    await assert.rejects(writeReportFile(fifo, report), { code: 'REPORT_UNWRITABLE', message: /takes no more/u });
    assert.equal(sleptMs, 10_000);
  });

  it('is written to a device, which stays one', async (t) => {
    const home = createHome(t);
    const device = join(home.work, 'device');
    // What null(4) is elsewhere, so that nothing of the machine's own can be hurt.
    const failure = make('mknod', device, 'c', '1', '3');
    if (failure !== '') return t.skip(`no device can be made here: ${failure.trim()}`);
    const end = await home.reeve(['run', '--report', 'device', '--', 'sh', '-c', 'exit 7']);
    assert.deepEqual([end.exitCode, end.stderr], [7, '']);
    assert.equal(lstatSync(device).isCharacterDevice(), true);
  });

  it('is written to a descriptor that reeve was given, after what stands there', async (t) => {
    const home = createHome(t);
    const log = join(home.work, 'log');
    writeFileSync(log, 'before\n');
    const fd = openSync(log, 'a');
    const stdio = ['ignore', 'pipe', 'pipe', fd] as const;
    const args = ['run', '--report', '/dev/fd/3', '--', 'sh', '-c', 'exit 7'];
    assert.equal((await home.reeve(args, { stdio: [...stdio] })).exitCode, 7);
    closeSync(fd);
    const [, before, report = ''] = /^(before\n)(.+)$/su.exec(readFileSync(log, 'utf8')) ?? [];
    assert.equal(before, 'before\n');
    assert.equal(reportIn(report).exit.exitCode, 7);

    // A socket, which cannot be opened by any name.
    const { child, ended } = home.start(args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] });
    const told = text(child.stdio[3] as Readable);
    assert.equal((await ended).exitCode, 7);
    assert.equal(reportIn(await told).exit.exitCode, 7);
    // Two descriptors on one pipe are still the caller's.
    const shell = ['-c', '"$@" 3>&1 2>&1 | cat', 'sh', process.execPath, MAIN, ...args];
    const { stdout } = spawnSync('sh', shell, { cwd: home.work, env: home.env, encoding: 'utf8' });
    assert.equal(reportIn(stdout).exit.exitCode, 7);
    const onStdout = await home.reeve(['run', '--report', '/dev/stdout', '--', 'sh', '-c', 'exit 7']);
    assert.equal(reportIn(onStdout.stdout).exit.exitCode, 7);
  });

  it('is refused, and nothing started, where it could not be written', async (t) => {
    const home = createHome(t);
    const server = createServer().listen(join(home.folder, 'socket'));
    t.after(() => server.close());
    writeFileSync(join(home.folder, 'read-only'), '');
    for (const [file, message] of [
      [join(home.work, 'no/such/folder/report.json'), /ENOENT: no such file or directory, \w+ '.*\/work\/no'/u],
      [join(home.folder, 'read-only', 'report.json'), /ENOTDIR/u],
      [home.folder, /it is a folder/u],
      [join(home.folder, 'socket'), /it is a socket/u],
      ['/dev/fd/999', /EBADF/u],
      ['/dev/stdin', /EBADF/u],
    ] as const)
      for (const verb of file.startsWith('/dev/') ? ['run'] : ['run', 'start']) {
        const end = await home.reeve([verb, '--report', file, '--', 'touch', join(home.work, 'started')]);
        assertRefused(end, message);
      }
    assert.equal(existsSync(join(home.work, 'started')), false);
    assert.deepEqual(await home.runs(), []);
  });

  it('is never written into what Node has open for itself', async (t) => {
    const home = createHome(t);
    // None of these was given to reeve: Node keeps those of our own from a child.
    const all = Array.from({ length: 13 }, (_, index) => `/dev/fd/${index + 3}`);
    for (const file of all)
      assertRefused(await home.reeve(['run', '--report', file, '--', 'true']), /EBADF|without this descriptor/u);
    assert.deepEqual(await home.runs(), []);
  });

  it('of a background run is a file: its shim has other descriptors', async (t) => {
    const home = createHome(t);
    for (const verb of [['start'], ['run', '--keep-background']]) {
      const end = await home.reeve([...verb, '--report', '/dev/fd/3', '--', 'true']);
      assert.match(end.stderr, /--report cannot be \/dev\/fd\/3: .* \[USAGE\]/u);
      assert.equal(end.exitCode, 2);
    }
    const started = await home.reeve(['start', '--report', 'report.json', '--', 'sh', '-c', 'exit 7']);
    const id = started.stdout.trim();
    assert.equal((await home.reeve(['wait', id])).exitCode, 7);
  });
});
