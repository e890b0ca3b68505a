import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ReeveError } from '../errors.ts';
import { isWithin } from '../processes/kill.ts';
import { siteOf, worktreesOf } from './git-place.ts';
import { readRegularFile } from './regular-file.ts';

/** Hooks that can refuse: before a commit is made, and before anything is sent. */
const HOOKS = ['pre-commit', 'pre-push'] as const;
/** Tells our hooks from others. */
const MARK = '# Installed by `reeve hooks install git`; `reeve hooks uninstall git` takes it away.';
/** A hook that was there before is kept beside ours, and called by it. */
const KEPT = '.before-reeve';

/** A hook and what became of it. */
export interface HookChange {
  readonly path: string;
  readonly outcome: 'installed' | 'current' | 'removed' | 'absent';
  /** The hook that was there before, and goes on being called. */
  readonly kept: string | null;
}

/**
 * Puts the hooks into the repository that holds a folder, for all its worktrees.
 * @param command words that run reeve
 * @throws USAGE outside git, and when the hooks are not the repository's own
 */
export function installGitHooks(folder: string, command: readonly [string, ...string[]]): readonly HookChange[] {
  const hooks = hooksFolderOf(folder);
  mkdirSync(hooks, { recursive: true });
  return HOOKS.map((name) => {
    const path = join(hooks, name);
    const kept = `${path}${KEPT}`;
    const text = hookText(command);
    const before = textOf(path);
    const isOurs = before !== null && before.includes(MARK);
    if (before !== null && !isOurs) renameSync(path, kept);
    if (before !== text) {
      writeFileSync(`${path}.new`, text, { mode: 0o755 });
      // Whatever the umask took away.
      chmodSync(`${path}.new`, 0o755);
      renameSync(`${path}.new`, path);
    }
    return { path, outcome: before === text ? 'current' : 'installed', kept: existsSync(kept) ? kept : null };
  });
}

/** Takes the hooks away, and puts those back that were there before. @throws USAGE as above */
export function uninstallGitHooks(folder: string): readonly HookChange[] {
  const hooks = hooksFolderOf(folder);
  return HOOKS.map((name) => {
    const path = join(hooks, name);
    const kept = `${path}${KEPT}`;
    if (textOf(path)?.includes(MARK) !== true) return { path, outcome: 'absent', kept: null };
    if (existsSync(kept)) renameSync(kept, path);
    else rmSync(path);
    return { path, outcome: 'removed', kept: null };
  });
}

/** What is run by people has no `REEVE_RUN` and passes. A hook's own standard input belongs to the hook that was there before. */
function hookText(command: readonly [string, ...string[]]): string {
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
  const isThere = `[ -x ${words[0]} ] && [ -e ${words.at(-1)} ]`;
  return `#!/bin/sh
${MARK}
# Refuses an agent that reeve runs, and that does not, or no longer, hold the claim on this worktree. People are not asked.
if [ -n "\${REEVE_RUN:-}" ]; then
  if ${isThere}; then ${words.join(' ')} claim verify; else reeve claim verify; fi </dev/null || {
    echo 'reeve: refused, because this run does not hold the claim on this worktree' >&2
    exit 1
  }
fi
[ -x "$0${KEPT}" ] || exit 0
exec "$0${KEPT}" "$@"
`;
}

function hooksFolderOf(folder: string): string {
  const { gitDir, root } = siteOf(folder);
  if (gitDir === null) {
    throw new ReeveError('USAGE', `${folder} is not in a git repository`, {
      where: folder,
      hint: 'Call it in one, or name one with --cwd.',
    });
  }
  const hooks = resolve(root, askGit(root, 'rev-parse', '--git-path', 'hooks'));
  const own = worktreesOf(gitDir).flatMap((known) => [known.root, known.gitDir]);
  if (own.some((place) => isWithin(place, hooks))) return hooks;
  throw new ReeveError('USAGE', `the hooks of this repository lie in ${hooks}, which is not its own`, {
    where: hooks,
    hint: 'core.hooksPath says so; call `reeve claim verify` from the hooks there, when REEVE_RUN is set.',
  });
}

/** Git itself knows best: the user's and the system's settings have a say. */
function askGit(cwd: string, ...words: readonly string[]): string {
  try {
    return execFileSync('git', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
  } catch (cause) {
    const said = String((cause as { readonly stderr?: unknown }).stderr ?? cause).trim();
    throw new ReeveError('USAGE', `git does not answer in ${cwd}: ${said}`, { where: cwd, cause });
  }
}

function textOf(path: string): string | null {
  try {
    return readRegularFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
