import { availableParallelism } from 'node:os';
import { run } from 'node:test';
import { emptyTally, failureText } from './tally.ts';
import type { Tally } from './tally.ts';

export interface PassOptions {
  readonly root: string;
  /** Absolute paths. */
  readonly files: readonly string[];
  /** Only tests whose name matches; null = all. */
  readonly only: RegExp | null;
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** Ends a file that hangs. Every wait inside a test has its own guard of 30 s, so this decides no verdict. */
const FILE_TIMEOUT_MS = 15 * 60_000;

/** Runs test files, each in a process of its own; silent about what passes, complete about what fails. */
export async function runPass(options: PassOptions): Promise<Tally> {
  const tally = emptyTally();
  const printed = new Map<string, string>();
  const files = new Set(options.files);
  const stream = run({
    files: options.files,
    // Many tests wait for processes rather than compute; on one core two files at a time still pay.
    concurrency: Math.max(2, availableParallelism()),
    timeout: FILE_TIMEOUT_MS,
    signal: options.signal,
    cwd: options.root,
    ...(options.only === null ? {} : { testNamePatterns: options.only }),
  });
  for await (const event of stream as AsyncIterable<TestEvent>) {
    switch (event.type) {
      case 'test:stdout':
      case 'test:stderr':
        printed.set(event.data.file, (printed.get(event.data.file) ?? '') + event.data.message);
        break;
      case 'test:pass': {
        const skip = event.data.skip ?? event.data.todo ?? false;
        if (skip !== false) tally.skips.push({ test: event.data.name, reason: typeof skip === 'string' ? skip : '' });
        else if (files.has(event.data.name)) reportEmptyFile(event.data.name);
        else if (event.data.details.type !== 'suite') tally.passed += 1;
        break;
      }
      case 'test:fail':
        if (isEcho(event.data.details.error)) break;
        tally.failed += 1;
        options.print(
          failureText(
            { ...event.data, error: event.data.details.error, printed: printed.get(event.data.file ?? '') ?? '' },
            options.root,
          ),
        );
        break;
      default:
    }
  }
  return tally;

  // node:test passes a file without tests. A name pattern may leave none; otherwise such a file is a check that cannot fail.
  function reportEmptyFile(name: string): void {
    if (options.only !== null) return;
    tally.failed += 1;
    options.print(`\n✖ ${name}\n  holds no test\n`);
  }
}

/** The events that matter here, as `run` streams them. */
type TestEvent =
  | { readonly type: 'test:stdout' | 'test:stderr'; readonly data: { readonly file: string; readonly message: string } }
  | { readonly type: 'test:pass'; readonly data: TestEnd & { readonly details: { readonly type?: 'suite' | 'test' } } }
  | { readonly type: 'test:fail'; readonly data: TestEnd & { readonly details: { readonly error: Error } } }
  | { readonly type: 'test:summary' };

interface TestEnd {
  readonly name: string;
  readonly file?: string;
  readonly line?: number;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
}

/** A suite that fails only because a test in it did: that test is reported already. */
function isEcho(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed';
}
