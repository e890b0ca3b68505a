import { realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { literalGlob } from '../limits/glob.ts';

/** The folders that a glob begins with, up to the first part that is more than a name. */
const PLAIN_START = /^(?:\/(?:[^/\\*?[\]{}()!+@|"]|\\.)+)+(?=\/|$)/;

/** A glob over paths of projects, which are real paths, where it was written with a path that leads through links. */
export function realProjectGlob(glob: string): string {
  const [start] = PLAIN_START.exec(glob) ?? [];
  if (start === undefined) return glob;
  const path = start.replaceAll(/\\(.)/g, '$1');
  const real = realStart(path);
  return real === path ? glob : literalGlob(real) + glob.slice(start.length);
}

/** What is there of a path with its links resolved; the rest, which may come into being, as it is. */
function realStart(path: string): string {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      return join(realpathSync(folder), relative(folder, path));
    } catch {
      if (dirname(folder) === folder) return path;
    }
  }
}
