import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Keeps compiled code in a folder of ours, so that what is imported from now on starts faster. Not in Node's default place: a folder in
 * the shared temp folder could be made by another user, who would then choose the code we run.
 */
export function useCompileCache(env: NodeJS.ProcessEnv): void {
  const home = env['REEVE_HOME'];
  const folder = home ? join(home, 'cache') : join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'reeve');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
  } catch {
    // A home that cannot be written to costs some milliseconds here, and is reported by whatever must write there.
  }
}
