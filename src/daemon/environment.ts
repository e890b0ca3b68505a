import { isAbsolute } from 'node:path';

/** What the daemon needs of the environment of whoever happened to start it: where things lie, and how to write. */
const KEPT = new Set([
  'PATH',
  'HOME',
  'USER',
  'LOGNAME',
  'SHELL',
  'TMPDIR',
  'TZ',
  'LANG',
  'REEVE_HOME',
  'REEVE_PROCESS_TABLE',
]);

/** Kept unless relative: the daemon is in no folder that they could be meant from. */
const KEPT_FOLDERS = new Set(['CLAUDE_CONFIG_DIR', 'CODEX_HOME']);

/** Families of variables that are kept whole. */
const KEPT_PREFIXES = ['XDG_', 'LC_'];

/**
 * The environment that the daemon is started with. A list of what may stay, not of what must go: an agent's environment is full of keys
 * and tokens, the daemon outlives it by days, and with `REEVE_RUN` it would count as part of the run that started it.
 */
export function daemonEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const isKept = KEPT.has(name) || KEPT_PREFIXES.some((prefix) => name.startsWith(prefix));
    if (isKept || (KEPT_FOLDERS.has(name) && isAbsolute(value))) kept[name] = value;
  }
  return kept;
}
