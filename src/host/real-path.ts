import { realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * What is there of a path with its links resolved; the rest, which is gone or may come into being, as it is.
 * @param path absolute
 */
export function realPathOf(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      return join(realpathSync(folder), relative(folder, path));
    } catch {
      if (dirname(folder) === folder) return path;
    }
  }
}
