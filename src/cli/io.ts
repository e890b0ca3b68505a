import { isAbsolute, resolve } from 'node:path';
import { ReeveError } from '../errors.ts';

/** What a command may touch of the outside: streams, environment, exit code. Commands never use `process` or `console`. */
export interface CliIo {
  readonly env: NodeJS.ProcessEnv;
  /** @throws when the folder was removed: `runCli` explains it */
  readonly cwd: string;
  /** Writes text or bytes to stdout as they are. */
  out(text: string | Uint8Array): void;
  /** Writes text or bytes to stderr as they are. */
  err(text: string | Uint8Array): void;
  /** What comes on stdin, to its end. */
  input(): AsyncIterable<Uint8Array>;
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** True when colours are wanted on that stream: a terminal, no NO_COLOR. */
  readonly color: boolean;
  /** Width of stdout's terminal in columns; null when stdout is no terminal, and nothing need be cut to fit. */
  readonly columns: number | null;
  /** Set by commands; 0 unless set. */
  exitCode: number;
  /** Told when stdout cannot take what was printed, other than for want of a reader: the process ends right after. */
  onOutputFailure: (failure: ReeveError) => void;
  /** Resolves once stdout has taken all that was printed: who ends the process earlier loses it, or hears of no failure. */
  outputTaken(): Promise<void>;
}

/** The working folder; null when it was removed. */
export function cwdIfThere(io: Pick<CliIo, 'cwd'>): string | null {
  try {
    return io.cwd;
  } catch (error) {
    if (isCwdGone(error)) return null;
    throw error;
  }
}

/**
 * A path as it was typed, made absolute: the working folder is asked for only where the path is relative to it.
 * @throws USAGE for an empty one, of a variable that is not set say, which would be the working folder
 */
export function resolveTyped(io: Pick<CliIo, 'cwd'>, path: string): string {
  if (path === '')
    throw new ReeveError('USAGE', 'an empty path names no folder', { hint: 'name one, or . for the working folder' });
  return isAbsolute(path) ? resolve(path) : resolve(io.cwd, path);
}

/** Node's complaint about a working folder that was removed, from wherever something relative was to be resolved. */
export function isCwdGone(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && error.syscall === 'uv_cwd';
}

/** Prints one JSON object, or the text that `render` makes of the value. */
export function emit<T>(
  io: CliIo,
  options: { readonly json?: boolean | undefined },
  value: T,
  render: (value: T) => string,
): void {
  io.out(options.json ? `${JSON.stringify(value)}\n` : render(value));
}
