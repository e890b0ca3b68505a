import { ReeveError } from '../errors.ts';
import { basename } from '../limits/glob.ts';

/**
 * The one of these projects that is called so; null when none is.
 * @param what in the plural, as in `2 locked-out projects are called app`
 * @throws USAGE when several are
 */
export function projectCalled(name: string, paths: Iterable<string>, what: string): string | null {
  const projects = [...new Set(paths)].filter((path) => basename(path) === name);
  if (projects.length > 1) {
    const hint = `give the path: ${projects.join(', ')}`;
    throw new ReeveError('USAGE', `${projects.length} ${what} are called ${name}`, { hint });
  }
  return projects[0] ?? null;
}
