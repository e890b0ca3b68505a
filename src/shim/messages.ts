import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

const STDERR = 2;

/**
 * Writes a line about the run to stderr, the shim's only voice. Not through `process.stderr`: opening that as a stream would make the
 * descriptor non-blocking for the command too, which shares it. Never throws: the reader may be gone.
 */
export function complain(text: string): void {
  try {
    writeSync(STDERR, `reeve: ${text}\n`);
  } catch {
    // A closed pipe or terminal must not change how a run ends.
  }
}

/** Whether people read stderr. */
export function stderrIsTerminal(): boolean {
  return isatty(STDERR);
}
