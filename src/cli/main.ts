import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Not Node's default place: a folder in the shared temp folder could be made by another user, who would then choose the code we run.
const home = process.env['REEVE_HOME'];
const cache = home ? join(home, 'cache') : join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'reeve');
try {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  enableCompileCache(cache);
} catch {
  // A home that cannot be written to costs some milliseconds here, and is reported by whatever must write there.
}

const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));
