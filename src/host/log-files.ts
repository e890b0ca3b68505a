import { readdirSync, statSync } from 'node:fs';
import { isSessionLog, projectsDir } from '../usage/claude/discover.ts';
import type { LogFile, LogListing } from '../usage/log-source.ts';
import type { LogProblem } from '../usage/ports.ts';
import { unreadableLog } from './log-problem.ts';
import { movedFolder } from './moved-folder.ts';

/**
 * Finds the session logs below the projects folder of each config folder, in the order of their paths. A project's folder, and a log, may
 * be links to elsewhere.
 */
export function listClaudeLogs(configDirs: readonly string[], now: number): LogListing {
  const problems: LogProblem[] = [];
  const files: LogFile[] = [];
  for (const configDir of configDirs) walk(projectsDir(configDir), movedFolder);
  files.sort((a, b) => (a.file < b.file ? -1 : 1));
  return { files, problems };

  function walk(folder: string, leadsTo: (folder: string, link: string) => string | null): void {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = `${folder}/${entry.name}`;
        const isLink = entry.isSymbolicLink();
        if (entry.isDirectory() || (isLink && leadsTo(folder, path) !== null)) walk(path, () => null);
        else if ((entry.isFile() || isLink) && isSessionLog(path)) {
          const log = statLog(path);
          if (log !== null) files.push(log);
        }
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return;
      problems.push(unreadableLog(folder, error, now));
    }
  }
}

/** One log as it lies on disk; null when it is gone or is no regular file. */
export function statLog(file: string): LogFile | null {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true
    ? { agent: 'claude', file, device: found.dev, inode: found.ino, sizeBytes: found.size, modifiedMs: found.mtimeMs }
    : null;
}
