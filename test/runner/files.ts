import { globSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Absolute paths of the test files, in a stable order: those under `paths` (files or folders), all when none is given. */
export function findTestFiles(root: string, paths: readonly string[]): readonly string[] {
  const all = globSync(['src/**/*.test.ts', 'test/**/*.test.ts'], { cwd: root, exclude: ['**/node_modules'] })
    .map((file) => join(root, file))
    .toSorted();
  if (paths.length === 0) return all;
  const wanted = paths.map((path) => resolve(root, path));
  return all.filter((file) => wanted.some((path) => file === path || file.startsWith(`${path}/`)));
}
