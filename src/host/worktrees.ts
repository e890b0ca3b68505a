import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ReeveError } from '../errors.ts';
import { placeOf, siteOf, worktreesOf } from './git-place.ts';

/** A worktree of a repository. */
export interface Worktree {
  readonly path: string;
  /** False for the repository's main one, which is never removed. */
  readonly linked: boolean;
  readonly branch: string | null;
  /** False when its folder was removed by hand. */
  readonly exists: boolean;
}

/** What would be lost with a worktree's folder. */
export interface UnsavedWork {
  /** Paths that git shows as changed or untracked. */
  readonly files: readonly string[];
  /** Commits that no branch, tag or remote holds: of a detached HEAD. */
  readonly commits: number;
}

/** Every worktree of the repository that holds a folder, the main one first. @throws USAGE outside git */
export function listWorktrees(folder: string): readonly Worktree[] {
  return worktreesOf(gitDirOf(folder)).map(({ root }, index) => {
    const exists = existsSync(root);
    return { path: root, linked: index > 0, branch: exists ? placeOf(root).branch : null, exists };
  });
}

/**
 * The worktree of that name, made where there is none: beside the repository, in `<repository>.worktrees/<name>`, on the branch of that
 * name, which is made from HEAD where there is none.
 * @throws USAGE outside git, for a name that is no branch's, or when git refuses
 */
export function ensureWorktree(folder: string, name: string): string {
  const [main] = worktreesOf(gitDirOf(folder));
  const project = main === undefined ? folder : main.root;
  git(project, 'check-ref-format', '--branch', name);
  const path = resolve(dirname(project), `${basename(project)}.worktrees`, name);
  if (listWorktrees(project).some((known) => known.exists && known.path === path)) return path;
  const hasBranch = git(project, 'branch', '--list', '--format=%(refname:short)', name) !== '';
  git(project, 'worktree', 'add', '--quiet', ...(hasBranch ? [path, name] : ['-b', name, path]));
  return path;
}

/** What only this worktree has. */
export function unsavedIn({ path, branch }: Worktree): UnsavedWork {
  const lines = git(path, 'status', '--porcelain', '--untracked-files=all').split('\n');
  const files = lines.filter((line) => line !== '').map((line) => line.trim().replace(/^\S+\s+/, ''));
  const commits =
    branch === null ? git(path, 'rev-list', '--count', 'HEAD', '--not', '--branches', '--tags', '--remotes') : '0';
  return { files, commits: Number(commits) };
}

/** Removes a worktree's folder, and git's knowledge of it. Its branch stays. @param discard also with work that is lost then */
export function removeWorktree({ path }: Worktree, discard: boolean): void {
  const [main] = worktreesOf(gitDirOf(path));
  git(main?.root ?? path, 'worktree', 'remove', ...(discard ? ['--force'] : []), path);
}

function gitDirOf(folder: string): string {
  const { gitDir } = siteOf(folder);
  if (gitDir === null) {
    throw new ReeveError('USAGE', `${folder} is not in a git repository`, {
      where: folder,
      hint: 'Call it in one, or name one with --cwd.',
    });
  }
  return gitDir;
}

function git(cwd: string, ...words: readonly string[]): string {
  try {
    return execFileSync('git', words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
  } catch (cause) {
    const said = String((cause as { readonly stderr?: unknown }).stderr ?? cause).trim();
    throw new ReeveError('USAGE', `git ${words[0] ?? ''} refuses: ${said}`, { where: join(cwd), cause });
  }
}
