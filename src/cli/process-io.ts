import { isatty } from 'node:tty';
import type { CliIo } from './io.ts';

/** Width of a terminal that does not tell its own. */
const DEFAULT_COLUMNS = 80;

/**
 * The outside world of a real command line. Nothing is opened before it is used: `process.stdout` and `process.stderr` change the mode
 * of the descriptors that `reeve run` hands to its command as they are.
 */
export function createProcessIo(): CliIo {
  const stdoutIsTerminal = isatty(1);
  let listening = false;
  return {
    env: process.env,
    // Asked for only by commands that need it: the folder may be gone, and `stop` must work there too.
    get cwd() {
      return process.cwd();
    },
    out(text) {
      if (!listening) process.stdout.on('error', endQuietlyWithoutReader);
      listening = true;
      process.stdout.write(text);
    },
    err: (text) => void process.stderr.write(text),
    input: () => process.stdin as AsyncIterable<Uint8Array>,
    get stdinIsTerminal() {
      return isatty(0);
    },
    stdoutIsTerminal,
    stderrIsTerminal: isatty(2),
    color: stdoutIsTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    get columns() {
      return stdoutIsTerminal ? process.stdout.columns || DEFAULT_COLUMNS : null;
    },
    exitCode: 0,
  };
}

/** A reader that went away (`reeve ps | head -1`) wants no more: nothing to write a stack trace about. */
function endQuietlyWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode);
}
