import { projectsDir } from './discover.ts';

/** The variable by which Claude Code's tools know their session; it survives setsid. */
export const SESSION_VARIABLE = 'CLAUDE_CODE_SESSION_ID';

const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/iu;
const LOG = /\/projects\/[^/]+\/([\da-f-]{36})\.jsonl$/iu;
/** Longer names of folders are cut here, and a hash is added. */
const NAME_LENGTH = 200;

/**
 * The session that a command line names: `--session-id ID`, or `--resume ID` where that is not forked into a new one. It is the one
 * that the process began with; a person may have gone to another one since.
 */
export function sessionInArguments(argv: readonly string[]): string | null {
  const named = valueOf(argv, ['--session-id']);
  if (named !== null) return named;
  return argv.includes('--fork-session') ? null : valueOf(argv, ['--resume', '-r']);
}

function valueOf(argv: readonly string[], options: readonly string[]): string | null {
  for (const [index, word] of argv.entries()) {
    const [option = '', joined] = word.split('=', 2);
    const value = options.includes(option) ? (joined ?? argv[index + 1]) : undefined;
    // Without a value the option asks the person.
    if (value !== undefined && UUID.test(value)) return value;
  }
  return null;
}

/** The session whose log a file is, by its path; null for any other file. */
export function sessionOfLog(path: string): string | null {
  const id = LOG.exec(path)?.[1];
  return id !== undefined && UUID.test(id) ? id : null;
}

/**
 * The folder of the logs of a working folder. Several working folders may share one, because all but letters and digits is `-` in its name.
 * @param cwd real path
 * @returns null for a path so long that its name ends in a hash
 */
export function logFolderOf(configDir: string, cwd: string): string | null {
  const name = cwd.replaceAll(/[^\da-z]/giu, '-');
  return name.length > NAME_LENGTH ? null : `${projectsDir(configDir)}/${name}`;
}
