import { chmodSync, mkdirSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { join, resolve } from 'node:path';
import { xdgFolder } from './home-folder.ts';

/**
 * Keeps compiled code in a folder of ours, so that what is imported from now on starts faster. Not in Node's default place: a folder in
 * the shared temp folder could be made by another user, who would then choose the code we run.
 */
export function useCompileCache(env: NodeJS.ProcessEnv): void {
  const home = env['REEVE_HOME'];
  try {
    // Not relative: below a working folder that was removed, mkdirSync tries again for ever (Node 24).
    const folder = home ? resolve(home, 'cache') : join(xdgFolder(env, 'XDG_CACHE_HOME', '.cache'), 'reeve');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
    const directory = getCompileCacheDir();
    // Node makes the folder of its own version as the umask says.
    if (directory !== undefined) chmodSync(directory, 0o700);
  } catch {
    // A home that cannot be written to costs some milliseconds here, and is reported by whatever must write there.
  }
}
