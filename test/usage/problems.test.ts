import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { unprivileged } from '../rig/nobody.ts';
import { answerLine } from './claude-lines.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'src', 'cli', 'main.ts');

interface Said {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Finding {
  readonly kind: string;
  readonly severity: string;
  readonly subject: string;
  readonly evidence: readonly string[];
  readonly remedy: string | null;
}

interface Desk {
  readonly logs: string;
  write(name: string, text: string): string;
  reeve(...args: readonly string[]): Said;
  /** What `doctor` says of logs, and its exit code. */
  doctor(): { readonly code: number | null; readonly findings: readonly Finding[] };
}

function openDesk(t: TestContext): Desk {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-problems-')));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const logs = join(dir, '.claude', 'projects', 'slug');
  mkdirSync(logs, { recursive: true });
  const folders = ['', '.claude', '.claude/projects', '.claude/projects/slug'];
  if (unprivileged !== undefined)
    for (const folder of folders) chownSync(join(dir, folder), unprivileged, unprivileged);
  const env = {
    HOME: dir,
    REEVE_HOME: join(dir, 'reeve'),
    PATH: process.env['PATH'],
    TZ: 'UTC',
    NO_COLOR: '1',
    TMPDIR: dir,
  };
  const reeve = (...args: readonly string[]): Said => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
      cwd: dir,
      env,
      encoding: 'utf8',
      ...(unprivileged === undefined ? {} : { uid: unprivileged, gid: unprivileged }),
    });
    return { code: status, stdout, stderr };
  };
  return {
    logs,
    write(name, text) {
      const file = join(logs, name);
      writeFileSync(file, text);
      if (unprivileged !== undefined) chownSync(file, unprivileged, unprivileged);
      return file;
    },
    reeve,
    doctor() {
      const { code, stdout, stderr } = reeve('doctor', '--json');
      assert.notEqual(stdout, '', stderr);
      const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
      return { code, findings: findings.filter(({ kind }) => kind === 'log') };
    },
  };
}

test('U4 usage that cannot be counted is told by usage and on record for doctor, with file, byte and what is wrong', (t) => {
  const desk = openDesk(t);
  const good = answerLine({ id: 'm1', output: 5 });
  const bad = answerLine({ id: 'm2', usage: { input_tokens: -10, output_tokens: 7 } });
  const worse = answerLine({ id: 'm3', usage: { input_tokens: 7e14, output_tokens: 2 } });
  const file = desk.write('a.jsonl', `${good}garbage {"usage":{"input_tokens":5}}\n${bad}${worse}`);
  const { code, stdout, stderr } = desk.reeve('usage', '--json');
  assert.equal(code, 0);
  assert.equal((JSON.parse(stdout) as { totals: { outputTokens: number } }).totals.outputTokens, 14);
  const [garbage, negative, absurd, ...more] = stderr.trimEnd().split('\n');
  assert.deepEqual(more, []);
  assert.ok(garbage?.startsWith(`reeve: ${file} at byte ${good.length}: this line is not JSON`), garbage);
  assert.match(negative ?? '', /counted without input_tokens, which is -10$/);
  assert.match(absurd ?? '', /counted without input_tokens, which is 700000000000000$/);
  const doctor = desk.doctor();
  assert.deepEqual(
    new Set(doctor.findings.map(({ severity }) => severity)),
    new Set(['note']),
    'nothing is left to be done about them',
  );
  assert.equal(doctor.findings.length, 3);
});

for (const what of ['log', 'folder'] as const) {
  test(`U4 a ${what} that cannot be read is a problem with a code and a remedy for as long as it is so, and is counted afterwards`, (t) => {
    const desk = openDesk(t);
    const file = desk.write('a.jsonl', answerLine({ id: 'm1' }));
    const place = what === 'log' ? file : desk.logs;
    chmodSync(place, 0);
    for (const round of [1, 2]) {
      const { code, stderr } = desk.reeve('usage');
      assert.equal(code, 0);
      assert.equal(
        stderr,
        `reeve: ${place}: cannot be read (permission denied): its spend is not counted [LOG_UNREADABLE]\n`,
        `in every report: ${round}`,
      );
    }
    const { code, findings } = desk.doctor();
    assert.equal(code, 1);
    assert.deepEqual(
      findings.map(({ severity, subject }) => [severity, subject]),
      [['problem', place]],
    );
    assert.match(findings[0]?.evidence[0] ?? '', /LOG_UNREADABLE/);
    assert.match(findings[0]?.remedy ?? '', /readable/);
    chmodSync(place, what === 'log' ? 0o600 : 0o700);
    assert.match(desk.reeve('usage').stdout, /1,113/);
    assert.deepEqual(desk.doctor().findings, []);
  });
}

test('U4 a first answer without a usable time counts at the time of its file, a fraction of a millisecond included', (t) => {
  const desk = openDesk(t);
  const seconds = 1_763_630_000.123_456_7;
  const garbage = ['', 'yesterday, perhaps', '2026-11-20T25:00:00.000Z', '-271821-04-20T00:00:00.000Z'];
  const times = [undefined, null, 12_345, ...garbage];
  for (const [index, timestamp] of times.entries()) {
    const line = JSON.parse(answerLine({ id: `m${index}` })) as object;
    const file = desk.write(`${index}.jsonl`, `${JSON.stringify({ ...line, timestamp })}\n`);
    utimesSync(file, seconds, seconds);
    assert.notEqual(statSync(file).mtimeMs % 1, 0, 'a file system that tells whole milliseconds proves nothing');
  }
  const { code, stdout, stderr } = desk.reeve('usage', '--json');
  assert.equal(stderr, '');
  assert.equal(code, 0);
  const { entries } = JSON.parse(stdout) as { entries: readonly { period: string; outputTokens: number }[] };
  assert.deepEqual(
    entries.map(({ period, outputTokens }) => [period, outputTokens]),
    [['2025-11-20', 70]],
  );
});

test('U4 a link that nobody can follow is a problem of its own, and all that stands beside it counts', (t) => {
  const desk = openDesk(t);
  const shut = join(desk.logs, '..', '..', 'shut');
  mkdirSync(join(shut, 'inside'), { recursive: true });
  desk.write('a.jsonl', answerLine({ id: 'm1' }));
  desk.write('z.jsonl', answerLine({ id: 'm2' }));
  const loop = join(desk.logs, 'loop.jsonl');
  const log = join(desk.logs, 'log.jsonl');
  const project = join(desk.logs, '..', 'project');
  symlinkSync('loop.jsonl', loop);
  symlinkSync(join(shut, 'inside', 'log.jsonl'), log);
  symlinkSync(join(shut, 'inside'), project);
  // Nothing is there to be read, and nothing is said of it.
  symlinkSync('nothing', join(desk.logs, 'nowhere.jsonl'));
  chmodSync(shut, 0);
  const unfollowed = [project, log, loop];
  const { code, stdout, stderr } = desk.reeve('usage', '--json');
  assert.equal(code, 0, stderr);
  assert.equal((JSON.parse(stdout) as { totals: { outputTokens: number } }).totals.outputTokens, 20);
  assert.deepEqual(
    stderr
      .trimEnd()
      .split('\n')
      .map((line) => /^reeve: (.*?): cannot be read .*\[LOG_UNREADABLE\]$/.exec(line)?.[1]),
    unfollowed,
  );
  const doctor = desk.doctor();
  assert.equal(doctor.code, 1);
  assert.deepEqual(
    doctor.findings.map(({ severity, subject }) => `${severity} ${subject}`).toSorted(),
    unfollowed.map((path) => `problem ${path}`).toSorted(),
  );
  chmodSync(shut, 0o700);
});
