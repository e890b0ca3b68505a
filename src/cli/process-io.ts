import { isatty } from 'node:tty';
import { ReeveError } from '../errors.ts';
import { settleHome } from '../host/home-folder.ts';
import { suspendBetweenTurns } from '../host/job-control.ts';
import { keepTerminalModes } from '../host/terminal-modes.ts';
import type { CliIo } from './io.ts';

/** Width of a terminal that does not tell its own. */
const DEFAULT_COLUMNS = 80;

/**
 * The outside world of a real command line. Nothing is opened before it is used: `process.stdout` and `process.stderr` change the mode
 * of the descriptors that `reeve run` hands to its command as they are.
 */
export function createProcessIo(): CliIo {
  suspendBetweenTurns();
  keepTerminalModes();
  const stdoutIsTerminal = isatty(1);
  let lastTaken: Promise<void> = Promise.resolve();
  const io: CliIo = {
    // Whatever we start inherits it, and works in other folders.
    get env() {
      settleHome(process.env);
      return process.env;
    },
    // Asked for only by commands that need it: the folder may be gone, and `stop` must work there too.
    get cwd() {
      return process.cwd();
    },
    out(text) {
      // Each write is told how it went; the event says the same once more.
      if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
      const { promise, resolve } = Promise.withResolvers<void>();
      lastTaken = promise;
      process.stdout.write(text, (error) => {
        if (error) endWithoutOutput(error, io);
        resolve();
      });
    },
    err(text) {
      // There is nobody left to tell; the exit code still says how it went.
      if (process.stderr.listenerCount('error') === 0) process.stderr.on('error', () => {});
      process.stderr.write(text);
    },
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
    onOutputFailure: () => {},
    outputTaken: () => lastTaken,
  };
  return io;
}

/**
 * Nothing more can be printed, so a command that follows something must end. The others have done by then what they print. A reader that
 * went away (`reeve ps | head -1`) wants no more, and is no failure; a full disk is one.
 */
function endWithoutOutput(error: NodeJS.ErrnoException, io: CliIo): void {
  if (error.code !== 'EPIPE') {
    io.onOutputFailure(
      new ReeveError('OUTPUT_UNWRITABLE', `standard output cannot be written (${error.code ?? error.message})`, {
        hint: 'what the command did is done; send its output elsewhere and look again, for instance with `reeve ps`',
        cause: error,
      }),
    );
  }
  process.exit(io.exitCode);
}
