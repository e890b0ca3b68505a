import picomatch from 'picomatch';

/** Matches everything, also the absence of a name; `**` and the rest need something to match. */
export const ANY = '*';

const OPTIONS = { dot: true, strictBrackets: true } as const;

/** What picomatch compiles a pattern to when the pattern makes no regular expression: it matches nothing, silently. */
const MATCHES_NOTHING = '$^';

const compiled = new Map<string, (text: string) => boolean>();

/**
 * Says what is wrong with a glob, or null when it is a good one.
 * Syntax: https://github.com/micromatch/picomatch#globbing-features
 */
export function globProblem(glob: string): string | null {
  if (glob.trim() === '') return 'is empty';
  if (glob.startsWith('./') || glob.startsWith('../'))
    return 'is relative, and names are never matched relative to a folder';
  try {
    return picomatch.makeRe(glob, OPTIONS).source === MATCHES_NOTHING ? 'can match nothing' : null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // The library's advice to escape belongs to another reader: what is meant here is nearly always a forgotten bracket.
    return `is no glob: ${message.replace(/ - use .*/, '').toLowerCase()}`;
  }
}

/** A group or a class, in which a slash may be part of an alternative. */
const GROUP = /\{[^{}]*\}|\([^()]*\)|\[[^[\]]*\]/;

/**
 * Says why a glob can match no project, or null when it may match one. A project is matched by its whole path, which begins with a slash and
 * ends with none, or by its last part: any other text would make a limit that holds nothing.
 */
export function projectGlobProblem(glob: string): string | null {
  const problem = globProblem(glob);
  if (problem !== null) return problem;
  if (glob.endsWith('/') && glob !== '/') return 'ends with a slash, and the path of no project does: leave it out';
  const [first = '', ...rest] = glob.split('/');
  const isOpen = ['', '~'].includes(first) || first.includes('**') || first.startsWith('!') || GROUP.test(glob);
  if (rest.length === 0 || isOpen || rest.join('/') === '**') return null;
  return `is no whole path, and no last part of one: write "**/${first.startsWith('~') ? rest.join('/') : glob}", or the path from its / or ~/ on`;
}

/** The text as a glob that matches only itself. */
export function literalGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]{}()!+@|"$^]/g, String.raw`\$&`);
}

/** Whether a branch, agent or run name matches. `*` does not cross slashes, `**` does; a bare `*` matches all, null included. */
export function matchesName(glob: string, name: string | null): boolean {
  if (glob === ANY) return true;
  return name !== null && matcher(glob)(name);
}

/** Whether a project matches by its real path or by its basename. An unknown one is matched by `*` only. */
export function matchesProject(glob: string, project: string | null): boolean {
  return matchesName(glob, project) || (project !== null && matchesName(glob, basename(project)));
}

/** Last part of a path: what a project is called on screens. `/` is called `/`. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1) || path;
}

function matcher(glob: string): (text: string) => boolean {
  const known = compiled.get(glob);
  if (known !== undefined) return known;
  const made = picomatch(glob, OPTIONS);
  compiled.set(glob, made);
  return made;
}
