import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The environment of a user whose homes, reeve's and the agent's, lie below an empty folder. */
export function environmentIn(folder: string): Record<string, string> {
  const at = (name: string): string => {
    mkdirSync(join(folder, name), { mode: 0o700 });
    return join(folder, name);
  };
  return {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: at('home'),
    REEVE_HOME: at('reeve'),
    XDG_RUNTIME_DIR: at('r'),
    CLAUDE_CONFIG_DIR: at('claude'),
    TMPDIR: tmpdir(),
  };
}
