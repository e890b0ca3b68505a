import { hash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { packAnswers, type Answer } from '../usage/answer-batch.ts';
import { AnswerFold } from '../usage/claude/fold.ts';
import { scanLines } from '../usage/claude/line-scan.ts';
import type { LogReading, LogReadRequest } from '../usage/log-source.ts';
import { readCarry } from '../usage/log-state.ts';
import type { LogProblem } from '../usage/ports.ts';
import { unreadableLog } from './log-problem.ts';

/**
 * Read at a time; large enough that the calls do not count, small enough to stay in the cache of one core, and, as a string, among V8's young
 * objects: one of 128 KiB would have pages of its own, which the kernel must empty each time.
 */
const CHUNK_BYTES = 96 << 10;
/** A longer line is skipped and reported: no answer is that long, and memory stays bounded. */
const MAX_LINE_BYTES = 256 << 20;
/** The head that tells a file from another that took its name and inode. */
const HEAD_BYTES = 1024;
/** The bytes before the offset: what a truncated and regrown file would not repeat. */
const TAIL_BYTES = 64;
const NEWLINE = 0x0a;

let shared = Buffer.allocUnsafeSlow(CHUNK_BYTES);

/**
 * Reads one log from its cursor on. A file that was truncated, replaced or rewritten is read from the start: what was
 * counted before is recognised by its message id.
 */
export function readLog(request: LogReadRequest, now: number): LogReading {
  const { log, cursor } = request;
  let handle: number;
  try {
    handle = openSync(log.file, 'r');
  } catch (error) {
    return unreadable(request, error, now);
  }
  try {
    return readOpen(handle, request, now);
  } catch (error) {
    return unreadable({ log, cursor }, error, now);
  } finally {
    closeSync(handle);
  }
}

function readOpen(handle: number, { log, cursor }: LogReadRequest, now: number): LogReading {
  const stat = fstatSync(handle);
  let bytesRead = 0;
  const same = cursor !== null && stat.dev === cursor.device && stat.ino === cursor.inode && stat.size >= cursor.offset;
  const resume = same && fingerprintOf(cursor.offset) === cursor.fingerprint ? cursor : null;
  const carry = readCarry(resume);
  const problems: LogProblem[] = [];
  const writtenAt = Math.min(Math.floor(stat.mtimeMs), now);
  const fold = new AnswerFold({ file: log.file, lastAt: carry.lastAt, fallbackAt: writtenAt, now });
  let prompted = carry.prompted;
  let offset = resume?.offset ?? 0;
  let held = 0;
  let skippingFrom: number | null = null;

  for (;;) {
    if (held === shared.length) grow();
    const count = readSync(handle, shared, held, shared.length - held, offset + held);
    if (count === 0) break;
    bytesRead += count;
    const filled = held + count;
    const last = shared.subarray(held, filled).lastIndexOf(NEWLINE);
    if (last < 0) {
      held = filled;
      continue;
    }
    const whole = held + last + 1;
    takeLines(shared.subarray(0, whole));
    shared.copyWithin(0, whole, filled);
    offset += whole;
    held = filled - whole;
  }
  takeUnterminated();
  if (shared.length > CHUNK_BYTES) shared = Buffer.allocUnsafeSlow(CHUNK_BYTES);

  const answers: Answer[] = fold.answers();
  return {
    file: log.file,
    answers: packAnswers(answers),
    prompts: fold.prompts(),
    cursor: {
      file: log.file,
      agent: log.agent,
      device: stat.dev,
      inode: stat.ino,
      offset,
      fingerprint: fingerprintOf(offset),
      modifiedMs: stat.mtimeMs,
      carry: JSON.stringify({ lastAt: fold.lastAt, answers: carry.answers + answers.length, prompted }),
    },
    problems,
    bytesRead,
  };

  function takeLines(lines: Buffer): void {
    const from = skippingFrom === null ? 0 : lines.indexOf(NEWLINE) + 1;
    if (skippingFrom !== null) problem(skippingFrom, `a line longer than ${MAX_LINE_BYTES} bytes was skipped`);
    skippingFrom = null;
    const { answers: found, prompts, broken, prompted: spoken } = scanLines(lines.subarray(from));
    for (const line of found) fold.add(line.answer, offset + from + line.at);
    for (const line of prompts) fold.addPrompt(line.prompt, offset + from + line.at);
    for (const line of broken) problem(offset + from + line.at, line.message);
    prompted ||= spoken;
  }

  /**
   * A last line without its newline counts when it is whole; the offset stays before it, and it is recognised when it is read again.
   * When it is not whole yet, that is no problem to report.
   */
  function takeUnterminated(): void {
    if (skippingFrom !== null || held === 0 || held === shared.length) return;
    shared[held] = NEWLINE;
    const { answers: found, prompts } = scanLines(shared.subarray(0, held + 1));
    for (const line of found) fold.add(line.answer, offset + line.at);
    for (const line of prompts) fold.addPrompt(line.prompt, offset + line.at);
  }

  function grow(): void {
    if (shared.length < MAX_LINE_BYTES) {
      const larger = Buffer.allocUnsafeSlow(shared.length * 2);
      shared.copy(larger);
      shared = larger;
      return;
    }
    skippingFrom ??= offset;
    offset += held;
    held = 0;
  }

  function problem(at: number, message: string): void {
    problems.push({ file: log.file, offset: at, message, at: now });
  }

  /** `<offset>:<hash of the head>:<hash of the bytes before the offset>`. */
  function fingerprintOf(end: number): string {
    const head = Buffer.alloc(Math.min(HEAD_BYTES, end));
    const tail = Buffer.alloc(Math.min(TAIL_BYTES, end));
    bytesRead += readSync(handle, head, 0, head.length, 0) + readSync(handle, tail, 0, tail.length, end - tail.length);
    return `${hash('sha1', head, 'base64url')}:${hash('sha1', tail, 'base64url')}`;
  }
}

function unreadable({ log }: LogReadRequest, error: unknown, now: number): LogReading {
  const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return {
    file: log.file,
    answers: packAnswers([]),
    prompts: [],
    cursor: null,
    // A log that its agent removed between listing and reading is no problem: what it held is in the ledger.
    problems: gone ? [] : [unreadableLog(log.file, error, now)],
    bytesRead: 0,
  };
}
