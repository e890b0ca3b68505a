import { resolve } from 'node:path';
import { ReeveError } from '../errors.ts';
import type { CliIo } from './io.ts';
import type { RunOptions } from './run-options.ts';

/**
 * With `--worktree` a run works in that worktree of the repository it is called for.
 * @throws USAGE outside git, or when git refuses
 */
export async function enterWorktree(options: RunOptions, io: CliIo): Promise<RunOptions> {
  const { worktree, cwd } = options;
  if (worktree === undefined) return options;
  if (worktree.trim() === '') throw new ReeveError('USAGE', '--worktree wants a name', { where: '--worktree' });
  const { ensureWorktree } = await import('../host/worktrees.ts');
  return { ...options, cwd: ensureWorktree(cwd === undefined ? io.cwd : resolve(io.cwd, cwd), worktree) };
}
