import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ReeveError } from '../errors.ts';
import type { Dialect } from './dialect.ts';

/** Where systems keep them; a service's PATH may leave out the last two. */
const USUAL_FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];
/** A listing takes milliseconds; a file system that has gone away can hold `lsof` up for ever. */
const TIMEOUT_MS = 10_000;
const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

const REMEDIES = {
  ps: 'Install it: the package is called procps on Debian, procps-ng on Fedora and Alpine; macOS has it.',
  lsof: 'Install it: the package is called lsof everywhere; macOS has it in /usr/sbin.',
} as const;

/** What a program printed, and its own PID, which stands in its own listing. */
export interface Printed {
  readonly text: string;
  readonly pid: number;
}

/** The two programs that the portable process table reads. */
export interface Programs {
  ps(args: readonly string[]): Printed;
  lsof(args: readonly string[]): Printed;
}

/**
 * Looks for both, in PATH and where systems keep them, so that what is missing is said at once and not in the middle of a stop.
 * @throws PLATFORM_UNSUPPORTED when one of them is not there
 */
export function findPrograms(
  env: NodeJS.ProcessEnv,
  dialect: Dialect,
  usualFolders: readonly string[] = USUAL_FOLDERS,
): Programs {
  const folders = [...(env['PATH'] ?? '').split(delimiter).filter((folder) => folder.startsWith('/')), ...usualFolders];
  // Dates as in C and in UTC, because they are parsed; characters as they are.
  const locale = { PATH: folders.join(delimiter), TZ: 'UTC', LC_TIME: 'C', LC_CTYPE: dialect.characters };
  const [ps, lsof] = (['ps', 'lsof'] as const).map((name) => {
    const path = find(name, folders);
    return (args: readonly string[]): Printed => run(name, { path, args, env: locale });
  });
  if (ps === undefined || lsof === undefined) throw new TypeError('two names give two programs');
  return { ps, lsof };
}

function find(name: keyof typeof REMEDIES, folders: readonly string[]): string {
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  throw missing(name);
}

/** Both exit with 1 when something that was asked for is not there, which is an answer too. */
function run(
  name: keyof typeof REMEDIES,
  { path, args, env }: { readonly path: string; readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv },
): Printed {
  const { pid, stdout, stderr, error, signal, status } = spawnSync(path, args, {
    env,
    cwd: '/',
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: MAX_OUTPUT_BYTES,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (error !== undefined && (error as NodeJS.ErrnoException).code === 'ENOENT') throw missing(name);
  if (error === undefined && signal === null && (status === 0 || (status === 1 && stderr.trim() === '')))
    return { text: stdout, pid };
  const what = error?.message ?? (signal === null ? stderr.trim() || `exit code ${status}` : `killed by ${signal}`);
  // Half a listing would pass for a whole one.
  throw new ReeveError('PLATFORM_UNSUPPORTED', `${name} failed: ${what.slice(0, 300)}`, {
    ...(error === undefined ? {} : { cause: error }),
    where: `${path} ${args.join(' ')}`.slice(0, 300),
    hint: 'Without it nothing is known about processes here, so nothing is signalled. Try the command by hand.',
  });
}

function missing(name: keyof typeof REMEDIES): ReeveError {
  return new ReeveError('PLATFORM_UNSUPPORTED', `reeve finds processes through ${name} here, and there is no ${name}`, {
    hint: REMEDIES[name],
  });
}
