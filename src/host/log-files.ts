import { readdirSync, statSync, type Dirent } from 'node:fs';
import { isSessionLog, projectsDir } from '../usage/claude/discover.ts';
import type { LogFile, LogListing } from '../usage/log-source.ts';
import type { LogProblem } from '../usage/ports.ts';
import { unreadableLog } from './log-problem.ts';
import { movedFolder } from './moved-folder.ts';

/**
 * Finds the session logs below the projects folder of each config folder, in the order of their paths. A project's folder, and a log, may
 * be links to elsewhere. What cannot be looked at is a problem, and stands in the way of nothing else.
 */
export function listClaudeLogs(configDirs: readonly string[], now: number): LogListing {
  const problems: LogProblem[] = [];
  const found: string[] = [];
  for (const configDir of configDirs) walk(projectsDir(configDir), { linksLead: true });
  const { files, problems: ofFiles } = lookAtLogs(found, now);
  return { files: files.toSorted((a, b) => (a.file < b.file ? -1 : 1)), problems: [...problems, ...ofFiles] };

  function walk(folder: string, { linksLead }: { readonly linksLead: boolean }): void {
    for (const entry of entriesOf(folder)) {
      const path = `${folder}/${entry.name}`;
      const isLink = entry.isSymbolicLink();
      const mayLead = isLink && linksLead;
      if (entry.isDirectory() || (mayLead && movedFolder(folder, path) !== null)) walk(path, { linksLead: false });
      // A link that nobody can follow may stand for a project's folder.
      else if (mayLead || (isSessionLog(path) && (entry.isFile() || isLink))) found.push(path);
    }
  }

  function entriesOf(folder: string): readonly Dirent[] {
    try {
      return readdirSync(folder, { withFileTypes: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ENOTDIR') problems.push(unreadableLog(folder, error, now));
      return [];
    }
  }
}

/** These logs as they lie on disk; what is gone, or is no log, is left out. */
export function lookAtLogs(paths: readonly string[], now: number): LogListing {
  const files: LogFile[] = [];
  const problems: LogProblem[] = [];
  for (const path of paths) {
    try {
      const log = statLog(path);
      if (log !== null) files.push(log);
    } catch (error) {
      problems.push(unreadableLog(path, error, now));
    }
  }
  return { files, problems };
}

function statLog(file: string): LogFile | null {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && isSessionLog(file)
    ? { agent: 'claude', file, device: found.dev, inode: found.ino, sizeBytes: found.size, modifiedMs: found.mtimeMs }
    : null;
}
