import { userInfo } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { ReeveError } from '../errors.ts';

/**
 * The user's home folder: `$HOME` when that is an absolute path, else what the system's user database says. An empty or relative HOME
 * would put the store, and code that is run, into whatever folder reeve is called from.
 * @throws USAGE when neither names one
 */
export function homeFolder(env: NodeJS.ProcessEnv): string {
  const home = env['HOME'] ?? '';
  if (isAbsolute(home)) return home;
  const known = homeOfUser();
  if (isAbsolute(known)) return known;
  throw new ReeveError('USAGE', 'this user has no home folder', { hint: 'set HOME or REEVE_HOME to an absolute path' });
}

/**
 * Makes a relative REEVE_HOME absolute, in place: a shim and a daemon have `/` for their folder, and a command may change to any, yet
 * all of them must mean the same home.
 */
export function settleHome(env: NodeJS.ProcessEnv): void {
  const home = env['REEVE_HOME'] ?? '';
  if (home !== '' && !isAbsolute(home)) env['REEVE_HOME'] = resolve(home);
}

/**
 * One of the XDG base folders; a relative path in its variable is ignored, as the specification says.
 * https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function xdgFolder(env: NodeJS.ProcessEnv, variable: string, below: string): string {
  const named = env[variable] ?? '';
  return isAbsolute(named) ? named : join(homeFolder(env), below);
}

/** Empty for a user id that the database does not know, as in many containers. */
function homeOfUser(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '';
  }
}
