import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { isOpen, type Finding } from '../../src/cli/doctor/finding.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { doctorReport, type DoctorReport } from '../rig/findings.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive, readProcess } from '../rig/live-processes.ts';
import { createReport } from '../rig/puppet.ts';
import { until } from '../rig/until.ts';
import { createHome } from './command-line.ts';
import type { Home } from './command-line.ts';

failOnLeaks();

/** What doctor finds in this home. */
function examine(home: Home, ...words: readonly string[]): DoctorReport {
  return doctorReport(home.folder, home.reeve('doctor', '--json', ...words));
}

function problems(report: DoctorReport): readonly Finding[] {
  return report.findings.filter(({ severity }) => severity === 'problem');
}

/** A background run of a shell with a child, whose shim is then SIGKILLed. */
async function orphan(t: TestContext, home: Home) {
  const report = createReport(t);
  const script = `sleep 1000 & echo "child $!" >>${report.path}; echo "leader $$" >>${report.path}; exec sleep 1001`;
  const run = home.json<RunJson>('start', '--', 'sh', '-c', script);
  const processes = Object.values(await report.processes('leader', 'child'));
  // What is reported is what became of the shells that said so.
  await until(() => processes.every(({ pid }) => readProcess(pid)?.comm === 'sleep'));
  const shim = readProcess(readProcess(run.identity?.pid ?? 0)?.ppid ?? 0);
  assert.ok(shim !== null);
  process.kill(shim.pid, 'SIGKILL');
  await until(() => !isAlive(shim));
  return { run, processes };
}

test('a healthy home has no problem and exits 0', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'sleep', '1000');
  const report = examine(home);
  assert.deepEqual(problems(report), []);
  assert.equal(report.recovered, 1);
  assert.deepEqual(examine(home).findings.filter(isOpen), []);
  home.reeve('stop', run.id);
});

test('O4 K12 an orphaned tree is reported with evidence, left alone, and ended by --fix with a receipt', async (t) => {
  const home = createHome(t);
  const { run, processes } = await orphan(t, home);
  const looked = examine(home);
  assert.equal(looked.orphaned, 1);
  const [found] = problems(looked);
  assert.equal(found?.kind, 'orphaned');
  assert.equal(found.subject, run.id);
  assert.match(found.evidence.join('\n'), /its shim \(PID \d+\) is dead[\s\S]*PID \d+ sleep lives on/u);
  assert.ok(examine(home).findings.some(isOpen));
  for (const each of processes) assert.equal(isAlive(each), true, 'looking signals nobody');

  const fixed = examine(home, '--fix');
  const [after] = problems(fixed);
  assert.equal(after?.receipt?.provenEmpty, true);
  assert.equal(after.fixed, 'its tree is ended and its record closed');
  for (const each of processes) assert.equal(isAlive(each), false);
  assert.equal(home.json<RunJson>('inspect', run.id).state, 'interrupted');
  assert.deepEqual(examine(home).findings.filter(isOpen), []);
});

test('a record of which nothing lives is stale: reported, and closed only by --fix', async (t) => {
  const home = createHome(t);
  const { run, processes } = await orphan(t, home);
  for (const { pid } of processes) process.kill(pid, 'SIGKILL');
  await until(() => !processes.some(isAlive));
  const looked = examine(home);
  assert.equal(looked.stale, 1);
  assert.equal(home.json<RunJson>('inspect', run.id).state, 'running', 'looking writes nothing');
  const fixed = examine(home, '--fix');
  assert.equal(problems(fixed)[0]?.fixed, 'its record is closed');
  const { state, endReason } = home.json<RunJson>('inspect', run.id);
  assert.deepEqual({ state, endReason }, { state: 'stale', endReason: 'lost' });
});

test('a corrupt lockout file is shown with its place, and set aside by --fix, never overwritten', (t) => {
  const home = createHome(t);
  const folder = home.reeve('lockouts', 'path').stdout.trim();
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'broken.json');
  writeFileSync(file, '{"limit":');
  const [found] = problems(examine(home));
  assert.equal(found?.kind, 'corrupt-lockout');
  assert.equal(found.subject, file);
  assert.deepEqual(examine(home, '--fix').findings.filter(isOpen), []);
  assert.deepEqual(problems(examine(home)), []);
  assert.equal(readdirSync(folder).length, 1, 'what was there is kept under another name');
});

test('an invalid config is a problem with its line and column', (t) => {
  const home = createHome(t);
  mkdirSync(join(home.folder, 'home'), { recursive: true });
  writeFileSync(join(home.folder, 'home/config.toml'), 'timezone = "system"\nunknown = 1\n');
  const [found] = problems(examine(home));
  assert.equal(found?.kind, 'config');
  assert.match(found.subject, /config\.toml:2:1/u);
});

test('output whose run was forgotten is noted, and removed by --fix; that of known runs stays', (t) => {
  const home = createHome(t);
  const run = home.json<RunJson>('start', '--', 'true');
  home.reeve('wait', run.id);
  const folderOf = (id: string): string => join(home.folder, 'home/runs', id);
  const forgotten = folderOf(`${run.id.slice(0, -2)}${run.id.endsWith('ZZ') ? '00' : 'ZZ'}`);
  mkdirSync(forgotten);
  writeFileSync(join(forgotten, 'out.log'), 'left over');
  const [note] = examine(home).findings.filter(({ kind }) => kind === 'forgotten-output');
  assert.deepEqual([note?.subject, note?.severity, existsSync(forgotten)], [forgotten, 'note', true]);
  const fixed = examine(home, '--fix').findings.filter(({ kind }) => kind === 'forgotten-output');
  assert.deepEqual(
    fixed.map((each) => each.fixed),
    ['removed'],
  );
  assert.deepEqual([existsSync(forgotten), existsSync(folderOf(run.id))], [false, true]);
});

test('a home that was there before, and that others may look into, is a note, and closed by --fix', (t) => {
  const home = createHome(t);
  const folder = join(home.folder, 'home');
  mkdirSync(folder);
  chmodSync(folder, 0o755);
  home.reeve('ps');
  const [note, ...others] = examine(home).findings.filter(({ kind }) => kind === 'open-home');
  assert.deepEqual([note?.severity, note?.evidence, others], ['note', ['others may look into it (mode 755)'], []]);
  assert.deepEqual([note?.remedy, statSync(folder).mode & 0o777], [`chmod 700 ${folder}`, 0o755]);
  assert.equal(examine(home, '--fix').findings.find(({ kind }) => kind === 'open-home')?.fixed, 'closed to others');
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('a home that others may write in is a problem, and closed by --fix', (t) => {
  const home = createHome(t);
  const folder = join(home.folder, 'home');
  home.reeve('ps');
  chmodSync(folder, 0o777);
  const [found] = problems(examine(home));
  assert.deepEqual([found?.kind, found?.subject, found?.remedy], ['open-home', folder, `chmod 700 ${folder}`]);
  assert.deepEqual(found?.evidence, ['others may write in it (mode 777)']);
  assert.ok(examine(home).findings.some(isOpen));
  assert.deepEqual(examine(home, '--fix').findings.filter(isOpen), []);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});
