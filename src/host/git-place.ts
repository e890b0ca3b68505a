import {
  accessSync,
  constants,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ReeveError } from '../errors.ts';

/** Where a folder lies, as claims, limits and reports name it. All paths are real paths. */
export interface Place {
  /** Root of the git worktree that holds the folder; null outside git and inside a repository's own files. */
  readonly worktree: string | null;
  /** The repository's main worktree (a bare repository's own folder); outside git the folder itself. */
  readonly project: string;
  /** Branch that HEAD names, without `refs/heads/`; null when detached or outside git. */
  readonly branch: string | null;
}

/** A folder's own git files, found by walking up. */
interface Repository {
  /** Folder that holds `.git`; null when the walk met the repository's own files first. */
  readonly root: string | null;
  /** Holds HEAD of this worktree. */
  readonly gitDir: string;
}

/**
 * Finds the place of a folder by reading git's files, without running git: some microseconds, and no program that a repository's
 * config could name is started. `GIT_DIR` and its like are not followed: they say where one command looks, not where a folder lies.
 *
 * @see https://git-scm.com/docs/gitrepository-layout
 * @throws FOLDER_NOT_FOUND when `cwd` is not a folder
 */
export function placeOf(cwd: string): Place {
  return siteOf(cwd).place;
}

/** A folder's {@link Place}, and where its worktree keeps files of its own. */
export interface Site {
  readonly place: Place;
  /** Real path of what is claimed as one: the worktree, a repository's own files, or outside git the folder itself. */
  readonly root: string;
  /** The worktree's own git directory; null outside git, and where it is out of reach. */
  readonly gitDir: string | null;
}

/** {@link placeOf} with the folders behind it, for one walk. @throws FOLDER_NOT_FOUND when `cwd` is not a folder */
export function siteOf(cwd: string): Site {
  const folder = realFolder(cwd);
  for (let at = folder; ; at = dirname(at)) {
    const repository = repositoryAt(at);
    if (repository !== null) {
      const { root, gitDir } = repository;
      return { place: placeIn(repository), root: root ?? gitDir, gitDir: isFolder(gitDir) ? gitDir : null };
    }
    if (at === dirname(at))
      return { place: { worktree: null, project: folder, branch: null }, root: folder, gitDir: null };
  }
}

function realFolder(cwd: string): string {
  const folder = realOrNull(cwd);
  const named = { where: cwd, hint: folder === null && cwd.includes(UNDECODED) ? NOT_UTF8 : NAME_ANOTHER };
  if (folder === null) throw new ReeveError('FOLDER_NOT_FOUND', `there is no folder ${cwd}`, named);
  if (!isFolder(folder)) throw new ReeveError('FOLDER_NOT_FOUND', `${cwd} is not a folder`, named);
  return folder;
}

const NAME_ANOTHER = 'Name a folder that exists and that you may enter (--cwd).';
/** What stands in a path for bytes that are not UTF-8. */
const UNDECODED = '\u{FFFD}';
const NOT_UTF8 =
  'A part of its path is not UTF-8, and reeve knows folders by their text alone: rename that part, or work elsewhere.';

/**
 * A folder that nobody may work in who may not enter it: what it holds, its claim too, says nothing then.
 * @throws PERMISSION_DENIED
 */
export function assertMayEnter(folder: string): void {
  try {
    accessSync(folder, constants.X_OK);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EACCES') return;
    throw new ReeveError('PERMISSION_DENIED', `this user may not enter the folder ${folder}`, {
      where: folder,
      hint: 'Name another (--cwd), or act as a user who may.',
      cause,
    });
  }
}

/** The repository that begins at this folder; at each level git looks for `.git` first, then for a bare repository. */
function repositoryAt(folder: string): Repository | null {
  const dotGit = join(folder, '.git');
  const pointer = readText(dotGit)?.match(/^gitdir: (.*?)[\r\n]*$/s)?.[1];
  if (pointer !== undefined) {
    const target = realOrNull(resolve(folder, pointer));
    // Out of reach (a worktree mounted alone into a container), the target still makes this folder a worktree's root.
    return { root: folder, gitDir: target !== null && isGitDir(target) ? target : dotGit };
  }
  if (isGitDir(dotGit)) return { root: folder, gitDir: realpathSync(dotGit) };
  return isGitDir(folder) ? { root: null, gitDir: folder } : null;
}

function placeIn({ root, gitDir }: Repository): Place {
  const common = commonDirOf(gitDir);
  const linked = common !== gitDir;
  const core = coreSettings(common);
  const worktree = linked || !core.bare ? root : null;
  return { worktree, project: mainWorktree(), branch: branchOf(gitDir) };

  function mainWorktree(): string {
    // A submodule's repository lies in its parent's `.git/modules` and names its worktree here.
    if (core.worktree !== null) return realOrNull(resolve(common, core.worktree)) ?? common;
    if (basename(common) === '.git') return dirname(common);
    // With `git init --separate-git-dir` only the worktree knows the repository. A linked worktree of one cannot know the main one.
    return linked ? common : (worktree ?? common);
  }
}

/** A worktree as its repository knows it. */
export interface KnownWorktree {
  /** Root folder; it may have been removed since. */
  readonly root: string;
  /** The worktree's own git directory. */
  readonly gitDir: string;
}

/**
 * Every worktree of the repository that a git directory belongs to, the main one first; a bare repository stands for itself.
 *
 * @see https://git-scm.com/docs/git-worktree#_details
 */
export function worktreesOf(gitDir: string): readonly KnownWorktree[] {
  const common = commonDirOf(gitDir);
  const main = coreSettings(common).bare || basename(common) !== '.git' ? common : dirname(common);
  const linked = namesIn(join(common, 'worktrees')).flatMap((name) => {
    const own = join(common, 'worktrees', name);
    const dotGit = readText(join(own, 'gitdir'))?.trim();
    return dotGit === undefined || dotGit === '' ? [] : [{ root: dirname(resolve(own, dotGit)), gitDir: own }];
  });
  return [{ root: main, gitDir: common }, ...linked];
}

function namesIn(folder: string): readonly string[] {
  return orNull(() => readdirSync(folder)) ?? [];
}

/** The repository that a linked worktree shares with the main one; a main worktree's is its own. */
function commonDirOf(gitDir: string): string {
  const shared = readText(join(gitDir, 'commondir'))?.trim();
  return shared === undefined ? gitDir : (realOrNull(resolve(gitDir, shared)) ?? gitDir);
}

/** As git judges it: HEAD, and in the shared repository objects and refs. */
function isGitDir(path: string): boolean {
  if (linkTarget(join(path, 'HEAD')) === null && readText(join(path, 'HEAD')) === null) return false;
  const common = commonDirOf(path);
  return isFolder(join(common, 'objects')) && isFolder(join(common, 'refs'));
}

function branchOf(gitDir: string): string | null {
  const head = join(gitDir, 'HEAD');
  const target = linkTarget(head) ?? readText(head)?.match(/^ref:\s*(.*?)\s*$/)?.[1];
  // A repository in reftable format has a HEAD that names `refs/heads/.invalid`: its branch is not readable as a file.
  if (target === undefined || !target.startsWith('refs/heads/') || target === 'refs/heads/.invalid') return null;
  return target.slice('refs/heads/'.length);
}

/** `core.bare` and `core.worktree`, of the shared config and, with `extensions.worktreeConfig`, the main worktree's own. */
function coreSettings(common: string): { readonly bare: boolean; readonly worktree: string | null } {
  let section = '';
  const core = new Map<string, string>();
  const lines = ['config', 'config.worktree'].flatMap((name) => (readText(join(common, name)) ?? '').split('\n'));
  for (const line of lines) {
    const header = /^\s*\[([^\]]*)\]/.exec(line)?.[1];
    if (header !== undefined) section = header.trim().toLowerCase();
    const [, key, value] = /^\s*([a-z]+)\s*(?:=\s*(.*?)\s*)?$/i.exec(line) ?? [];
    if (section === 'core' && key !== undefined) core.set(key.toLowerCase(), unquoted(value ?? 'true'));
  }
  return { bare: /^(true|yes|on|1)$/i.test(core.get('bare') ?? ''), worktree: core.get('worktree') ?? null };
}

function unquoted(value: string): string {
  const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(value)?.[1];
  return quoted === undefined ? value.replace(/\s*[#;].*$/, '') : quoted.replaceAll(/\\(.)/g, '$1');
}

/** Looked at first, because most are not there, and an error that is thrown costs ten times the look. */
function readText(file: string): string | null {
  return orNull(() =>
    statSync(file, { throwIfNoEntry: false })?.isFile() === true ? readFileSync(file, 'utf8') : null,
  );
}

function linkTarget(path: string): string | null {
  return orNull(() =>
    lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(path) : null,
  );
}

function realOrNull(path: string): string | null {
  return orNull(() => realpathSync(path));
}

function isFolder(path: string): boolean {
  return orNull(() => statSync(path, { throwIfNoEntry: false })?.isDirectory()) === true;
}

/** What cannot be read is, for git too, not there. */
function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
