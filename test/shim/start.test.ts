import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openRunOutput, readDropped, runOutput } from '../../src/host/run-output.ts';
import { punchHole } from '../../src/linux/punch-hole.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import type { RunId } from '../../src/runs/record.ts';
import { frontToKeep, OutputBound } from '../../src/shim/output-bound.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, livingWithArgument, readProcess } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome, MAIN } from './home.ts';

failOnLeaks();

describe('reeve start', () => {
  it('prints the id once the command runs, in a session of its own, without standard input', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const end = await home.reeve(['start', '--', ...puppetCommand('sleeper.sh', report)]);
    const { leader } = await report.processes('leader');
    const run = await home.onlyRun();
    assert.deepEqual(end, { exitCode: 0, signal: null, stdout: `${run.id}\n`, stderr: '' });
    assert.deepEqual([run.state, run.identity?.pid, run.processGroupId], ['running', leader.pid, leader.pid]);
    assert.equal(readFileSync(`/proc/${leader.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3], String(leader.pid));
    assert.equal((await home.reeve(['stop', '--grace', '0', run.id])).exitCode, 0);
    assert.equal((await home.onlyRun()).state, 'interrupted');
  });

  it('prints the run as JSON', async (t) => {
    const home = createHome(t);
    const end = await home.reeve(['start', '--json', '--', 'true']);
    const run = JSON.parse(end.stdout);
    assert.equal(run.state, 'running');
    assert.equal((await home.reeve(['wait', run.id])).exitCode, 0);
  });

  it('reports a start that failed itself', async (t) => {
    const home = createHome(t);
    const missing = await home.reeve(['start', '--', 'no-such-command']);
    assert.deepEqual([missing.exitCode, missing.stdout], [127, '']);
    assert.match(missing.stderr, /COMMAND_NOT_FOUND/);
    const json = await home.reeve(['start', '--json', '--cwd', 'gone', '--', 'true']);
    assert.equal(json.exitCode, 2);
    assert.equal(JSON.parse(json.stderr).error.code, 'FOLDER_NOT_FOUND');
  });

  it('records both streams in files of the user alone, also of what outlives the command and its shim', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const script = `echo one; echo two >&2; echo "leader $$" >>${report.path}; read -r _ <${report.path}; while ! [ -e go ]; do sleep 0.01; done; echo three`;
    const id = (await home.reeve(['start', '--', 'sh', '-c', script])).stdout.trim() as RunId;
    const { leader } = await report.processes('leader');
    const output = runOutput(join(home.folder, 'reeve', 'runs'), id);
    assert.equal(statSync(output.folder).mode & 0o777, 0o700);
    for (const file of Object.values(output.files)) assert.equal(statSync(file).mode & 0o777, 0o600);
    const shim = Number(readFileSync(`/proc/${leader.pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[1]);
    process.kill(shim, 'SIGKILL');
    await home.reeve(['run', '--shared', '--', 'touch', 'go']);
    await until(() => readFileSync(output.files.out, 'utf8') === 'one\nthree\n');
    assert.equal(readFileSync(output.files.err, 'utf8'), 'two\n');
    await until(() => !isAlive(leader));
  });

  it('keeps a background run going when its starter is gone, and sweeps at its end', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    const inner = puppetCommand('sleeper.sh', report).join(' ');
    const script = `setsid ${inner} & until [ -s ${report.path} ]; do sleep 0.01; done; exit 3`;
    const id = (await home.reeve(['start', '--', 'sh', '-c', script])).stdout.trim();
    assert.equal((await home.reeve(['wait', id])).exitCode, 3);
    assert.deepEqual(livingWithArgument(report.path), []);
    const { receipts } = JSON.parse((await home.reeve(['inspect', '--json', id])).stdout);
    assert.deepEqual(
      receipts.map(({ reason }: Receipt) => reason),
      ['sweep'],
    );
  });

  it('starts where NODE_OPTIONS names a file relative to the caller, and keeps no folder busy', async (t) => {
    const home = createHome(t);
    const report = createReport(t);
    writeFileSync(join(home.work, 'hook.cjs'), '');
    const env = { NODE_OPTIONS: '--require ./hook.cjs' };
    const end = await home.reeve(['start', '--', ...puppetCommand('sleeper.sh', report)], { env });
    assert.equal(end.exitCode, 0, end.stderr);
    const { leader } = await report.processes('leader');
    const shim = readProcess(leader.pid)?.ppid;
    assert.equal(readlinkSync(`/proc/${shim}/cwd`), '/');
    assert.equal(readlinkSync(`/proc/${leader.pid}/cwd`), home.work);
    assert.equal((await home.reeve(['stop', '--grace', '0', end.stdout.trim()])).exitCode, 0);
  });

  it('loads none of the libraries that only other commands need', async (t) => {
    const home = createHome(t);
    const hook = join(home.work, 'hook.mjs');
    const list = join(home.work, 'modules.txt');
    const script = `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
      registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, process.argv[1] + ' ' + url + '\\n'); return next(url, context); } });`;
    await home.reeve(['run', '--', 'sh', '-c', 'cat >hook.mjs <<"END"\n' + script + '\nEND']);
    assert.equal(existsSync(hook), true);
    const id = (await home.reeve(['start', '--', 'true'], { env: { NODE_OPTIONS: `--import=${hook}` } })).stdout.trim();
    await home.reeve(['wait', id]);
    const loaded = readFileSync(list, 'utf8')
      .split('\n')
      .filter((line) => line.includes('/src/shim/main.ts '));
    assert.ok(
      loaded.some((line) => line.endsWith('/src/shim/supervisor.ts')),
      'the hook saw the shim',
    );
    const heavy =
      /node_modules\/(zod|@pydantic|toml-eslint-parser|@decimalturn|temporal-polyfill|picomatch|commander|@bomb\.sh)\//;
    assert.deepEqual(
      loaded.filter((line) => heavy.test(line)),
      [],
    );
  });
});

describe('a stop from inside the run', () => {
  for (const verb of ['run', 'start'] as const) {
    it(`K9 completes and reports to its caller, which is signalled last (${verb})`, async (t) => {
      const home = createHome(t);
      const report = createReport(t);
      const inner = puppetCommand('escapees.sh', report).join(' ');
      const stop = `${process.execPath} ${MAIN} stop --json --grace 1s inside >receipt.json; echo $? >code`;
      const script = `${inner} & until grep -q leader ${report.path}; do sleep 0.01; done; ${stop}; exec sleep 1000`;
      const { ended } = home.start([verb, '--name', 'inside', '--', 'sh', '-c', script]);
      const members = Object.values(await report.processes('leader', 'child', 'session', 'daemon'));
      await ended;
      await home.reeve(['wait', 'inside']);
      const run = await home.onlyRun();
      assert.deepEqual([run.state, run.endReason], ['interrupted', 'stop']);
      for (const member of members) assert.equal(isAlive(member), false);
      const { receipts } = JSON.parse(readFileSync(join(home.work, 'receipt.json'), 'utf8')) as { receipts: Receipt[] };
      const pids = receipts[0]?.signalled.map(({ pid }) => pid) ?? [];
      for (const { pid } of members) assert.ok(pids.includes(pid));
      const stored = JSON.parse((await home.reeve(['inspect', '--json', run.id])).stdout).receipts as Receipt[];
      assert.equal(stored.at(-1)?.provenEmpty, true);
    });
  }
});

describe('the bound of output', () => {
  const PAGE = 4096;
  const BOUND = 16 * PAGE;

  it('decides by whole pages what to drop, and an eighth more than it must', () => {
    const none = { droppedBytes: 0, start: 0 };
    assert.equal(frontToKeep(BOUND, none, BOUND), 0);
    assert.equal(frontToKeep(BOUND + 1, none, BOUND), 2 * PAGE);
    assert.equal(frontToKeep(BOUND + 2 * PAGE, { droppedBytes: 2 * PAGE, start: 2 * PAGE }, BOUND), 2 * PAGE);
  });

  for (const [how, punch] of [
    ['by holes', punchHole],
    ['by beginning anew where the file system has no holes', () => false],
  ] as const) {
    it(`holds while a writer appends, and counts what is dropped: ${how}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'reeve-output-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const output = runOutput(folder, 'run_0' as RunId);
      const { out, err } = openRunOutput(output);
      const { writeSync, closeSync } = await import('node:fs');
      const failures: unknown[] = [];
      const bound = new OutputBound({
        output,
        boundBytes: BOUND,
        punchHole: punch,
        onFailure: (error) => failures.push(error),
      });
      let written = 0;
      const line = Buffer.from('x'.repeat(1023) + '\n');
      for (let turn = 1; turn <= 3; turn += 1) {
        for (let count = 0; count < 2 * (BOUND / line.length); count += 1) written += writeSync(out, line);
        const before = readDropped(output).out.droppedBytes;
        await until(() => readDropped(output).out.droppedBytes > before);
        const { droppedBytes, start } = readDropped(output).out;
        const kept = readFileSync(output.files.out).subarray(start);
        assert.equal(droppedBytes + kept.length, written);
        assert.ok(kept.length <= BOUND);
        assert.ok(!kept.includes(0), 'no hole is shown');
        // st_blocks counts 512 bytes each.
        assert.ok(statSync(output.files.out).blocks * 512 <= BOUND + PAGE);
      }
      assert.deepEqual(readDropped(output).err, { droppedBytes: 0, start: 0 });
      bound.close();
      closeSync(out);
      closeSync(err);
      assert.deepEqual(failures, []);
    });
  }
});
