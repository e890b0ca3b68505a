import { literalGlob } from '../limits/glob.ts';
import { realPathOf } from './real-path.ts';

/** The folders that a glob begins with, up to the first part that is more than a name. */
const PLAIN_START = /^(?:\/(?:[^/\\*?[\]{}()!+@|"]|\\.)+)+(?=\/|$)/;

/** A glob over paths of projects, which are real paths, where it was written with a path that leads through links. */
export function realProjectGlob(glob: string): string {
  const [start] = PLAIN_START.exec(glob) ?? [];
  if (start === undefined) return glob;
  const path = start.replaceAll(/\\(.)/g, '$1');
  const real = realPathOf(path);
  return real === path ? glob : literalGlob(real) + glob.slice(start.length);
}
