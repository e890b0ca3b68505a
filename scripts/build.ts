/**
 * Builds `dist/` from `src/`: `tsc`, then the SQL migrations that the compiler does not carry over, then the bundles of bundle.ts.
 * Does nothing when `dist/` is newer than everything it is made from, so that every script may begin with it.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { bundlePrograms } from './bundle.ts';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
/** Written last: a build that was interrupted is not taken for a finished one. */
const stampName = '.built';

function newestSourceMs(): number {
  const sources = globSync(['src', 'src/**', 'tsconfig.json', 'tsconfig.build.json', 'package.json', 'scripts/b*.ts'], {
    cwd: root,
  });
  return Math.max(...sources.map((file) => statSync(join(root, file)).mtimeMs));
}

function builtAtMs(): number {
  return statSync(join(dist, stampName), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Compiles into a folder beside `dist` and swaps it in, so that a command that starts meanwhile sees one build or the other.
 * With type errors the result is swapped in all the same (as plain `tsc` does), is never taken for up to date, and the exit code is 2.
 */
export async function build(): Promise<number> {
  const startedAt = new Date();
  if (builtAtMs() > newestSourceMs()) return 0;
  const next = `${dist}.${process.pid}.new`;
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json', '--outDir', next], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const file of globSync('src/**/*.sql', { cwd: root })) {
    const target = join(next, relative('src', file));
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(join(root, file), target);
  }
  await bundlePrograms(next);
  if (status === 0) {
    writeFileSync(join(next, stampName), '');
    // A source that changes while tsc runs is newer than the stamp, and the next build sees it.
    utimesSync(join(next, stampName), startedAt, startedAt);
  }
  rmSync(dist, { recursive: true, force: true });
  renameSync(next, dist);
  return status ?? 1;
}

if (import.meta.main) process.exitCode = await build();
