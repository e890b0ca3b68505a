import { relative } from 'node:path';
import { inspect } from 'node:util';

/** A test that did not run, and why (empty when it does not say, which counts as a failure). */
export interface Skip {
  readonly test: string;
  readonly reason: string;
}

/** What the tests came to. */
export interface Tally {
  passed: number;
  failed: number;
  readonly skips: Skip[];
}

export function emptyTally(): Tally {
  return { passed: 0, failed: 0, skips: [] };
}

export function addTally(sum: Tally, more: Tally): void {
  sum.passed += more.passed;
  sum.failed += more.failed;
  sum.skips.push(...more.skips);
}

/** The closing line, alone on its line: `N passed, N failed, N skipped`. */
export function closingLine(tally: Tally): string {
  return `${tally.passed} passed, ${tally.failed} failed, ${tally.skips.length} skipped`;
}

export interface Failure {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly error: Error;
  /** What the test file wrote to stdout and stderr. */
  readonly printed: string;
}

/** A failure in full: what, where, why, and everything the file printed. */
export function failureText(failure: Failure, root: string): string {
  const place = failure.file === undefined ? '' : `  ${relative(root, failure.file)}:${failure.line ?? 1}\n`;
  // node:test wraps what the test threw.
  const why = inspect(failure.error.cause ?? failure.error, { depth: 8, maxStringLength: 20_000 });
  const printed = failure.printed.trim() === '' ? '' : `  the file printed:\n${indent(failure.printed.trimEnd(), 4)}\n`;
  return `\n✖ ${failure.name}\n${place}${indent(why, 2)}\n${printed}`;
}

function indent(text: string, by: number): string {
  return text.replaceAll(/^/gmu, ' '.repeat(by));
}
