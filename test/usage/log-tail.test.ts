import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  openSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { test } from 'node:test';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { unprivileged } from '../rig/nobody.ts';
import { answerLine, promptLine } from './claude-lines.ts';
import { openLogHome } from './log-home.ts';

const MIB = 1 << 20;

test('U4 a partial last line counts once it is complete, and not before', async () => {
  await using home = await openLogHome();
  const line = answerLine({ id: 'msg_2', output: 5 });
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }) + line.slice(0, 200));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 1);
  appendFileSync(file, line.slice(200));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 6);
});

test('U4 a line of 20 MiB does not hide the lines after it', async () => {
  await using home = await openLogHome();
  const big = answerLine({ id: 'msg_big', output: 2, content: [{ type: 'text', text: 'x'.repeat(20 * MIB) }] });
  await home.write(
    's.jsonl',
    promptLine('session-1', 'y'.repeat(20 * MIB)) + big + answerLine({ id: 'msg_after', output: 4 }),
  );
  const { problems } = await home.collector.scan();
  assert.deepEqual(problems, []);
  assert.equal(await home.outputTokens(), 6);
});

test('U4 a line appended within the same tick of the clock of the file system counts', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }));
  const tick = new Date('2026-11-21T12:00:00Z');
  utimesSync(file, tick, tick);
  await home.collector.scan();
  appendFileSync(file, answerLine({ id: 'msg_2', output: 2 }));
  utimesSync(file, tick, tick);
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 3);
  assert.equal((await home.collector.scan()).filesRead, 0);
});

test('U4 after a truncation later entries count, and nothing counts twice', async () => {
  await using home = await openLogHome();
  const first = answerLine({ id: 'msg_1', output: 1 });
  const file = await home.write(
    's.jsonl',
    first + answerLine({ id: 'msg_2', output: 2 }) + answerLine({ id: 'msg_3', output: 4 }),
  );
  await home.collector.scan();
  truncateSync(file, first.length);
  appendFileSync(file, answerLine({ id: 'msg_4', output: 8 }));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 15, 'what was truncated away stays counted');
});

test('U4 a file truncated and grown past its old length between two scans is read from the start', async () => {
  await using home = await openLogHome();
  const head = promptLine('session-1', 'the same head in both, longer than the fingerprint'.repeat(60));
  const file = await home.write('s.jsonl', head + answerLine({ id: 'msg_1', output: 1 }));
  await home.collector.scan();
  writeFileSync(file, head + answerLine({ id: 'msg_2', output: 200 }) + answerLine({ id: 'msg_3', output: 4 }));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 205);
});

test('U4 a file rotated away and one that took its name are both counted', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }));
  await home.collector.scan();
  appendFileSync(file, answerLine({ id: 'msg_2', output: 2 }));
  renameSync(file, home.log('s.1.jsonl'));
  await home.write('s.jsonl', answerLine({ id: 'msg_3', output: 4 }));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 7);
});

test('U4 a file replaced in place by another of the same length is read from the start', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }));
  await home.collector.scan();
  writeFileSync(file, answerLine({ id: 'msg_2', output: 2 }));
  utimesSync(file, new Date(), new Date(Date.now() + 5_000));
  await home.collector.scan();
  assert.equal(await home.outputTokens(), 3);
});

test('U4 1,000 files that appear at once all count', async () => {
  await using home = await openLogHome();
  for (let index = 0; index < 1_000; index++)
    await home.write(`p${index % 40}/s${index}.jsonl`, answerLine({ id: `msg_${index}`, output: 1 }));
  const { files } = await home.collector.scan();
  assert.deepEqual([files, await home.outputTokens()], [1_000, 1_000]);
});

test('U4 an unreadable log is announced, kept in the ledger, and read when it can be', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }));
  await home.write('other.jsonl', answerLine({ id: 'msg_2', output: 2 }));
  chmodSync(file, 0o000);
  // Root reads every file; whoever starts the tests as root reads this one as nobody.
  chmodSync(home.dir, 0o755);
  const { ledger } = createMemoryStore();
  const collector = home.collectorOver(ledger);
  if (unprivileged !== undefined) process.seteuid?.(unprivileged);
  try {
    const { problems } = await collector.scan();
    assert.deepEqual(
      problems.map((problem) => [problem.file, /permission denied.*LOG_UNREADABLE/.test(problem.message)]),
      [[file, true]],
    );
  } finally {
    if (unprivileged !== undefined) process.seteuid?.(0);
  }
  assert.deepEqual(
    (await ledger.problems(10)).map((problem) => problem.file),
    [file],
  );
  assert.equal((await ledger.sums({}, []))[0]?.tokens.output, 2);
  chmodSync(file, 0o600);
  assert.deepEqual((await collector.scan()).problems, []);
  assert.equal((await ledger.sums({}, []))[0]?.tokens.output, 3);
});

test('U4 a broken line is reported with its place, once', async () => {
  await using home = await openLogHome();
  const good = answerLine({ id: 'msg_1', output: 1 });
  const file = await home.write(
    's.jsonl',
    `${good}{"message":{"usage":{"input_tokens":\n${answerLine({ id: 'msg_2', output: 2 })}`,
  );
  const { problems } = await home.collector.scan();
  assert.deepEqual(
    problems.map((problem) => [problem.file, problem.offset]),
    [[file, good.length]],
  );
  assert.deepEqual((await home.collector.scan()).problems, []);
  assert.equal(await home.outputTokens(), 3);
});

test('U5 one line appended to 1 GiB that was read: bytes read are in proportion to the bytes appended, also after a restart', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'msg_1', output: 1 }));
  // Tool results are what makes a log long.
  const content = [
    { tool_use_id: 'toolu_1', type: 'tool_result', content: answerLine({ id: 'msg_9', output: 9 }).repeat(300) },
  ];
  const result = { type: 'user', message: { role: 'user', content }, uuid: 'u-1', sessionId: 'session-1' };
  const block = Buffer.from(`${JSON.stringify(result)}\n`.repeat(32));
  const handle = openSync(file, 'a');
  let size = 0;
  while (size < 1024 * MIB) size += writeSync(handle, block);
  closeSync(handle);
  assert.ok((await home.collector.scan()).bytesRead > 1024 * MIB);

  let output = 1;
  for (const collector of [home.collector, home.restarted()]) {
    output *= 2;
    const appended = answerLine({ id: `msg_${output}`, output });
    appendFileSync(file, appended);
    const { bytesRead, inserted } = await collector.scan();
    assert.equal(inserted, 1);
    assert.ok(bytesRead < appended.length + 4_096, `${bytesRead} bytes read for ${appended.length} appended`);
  }
  assert.equal(await home.outputTokens(), 1 + 2 + 4);
});

test('nothing is read when nothing changed, also after a restart', async () => {
  await using home = await openLogHome();
  await home.write('s.jsonl', answerLine({ id: 'msg_1' }));
  await home.collector.scan();
  const { files, filesRead, bytesRead } = await home.restarted().scan();
  assert.deepEqual({ files, filesRead, bytesRead }, { files: 1, filesRead: 0, bytesRead: 0 });
});
