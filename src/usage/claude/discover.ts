/**
 * Decides where Claude Code keeps its logs: the config's `[agents.claude] logs` if given, else `CLAUDE_CONFIG_DIR` (one folder, or
 * several separated by commas), else `~/.claude` and, from older versions, `$XDG_CONFIG_HOME/claude`. A place may name the config
 * folder or its `projects` folder. Whether it exists is not asked: it may come into being later.
 */
export function claudeConfigDirs(options: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly configured: readonly string[] | null;
}): readonly string[] {
  const { env, home, configured } = options;
  const named =
    configured ??
    env['CLAUDE_CONFIG_DIR']
      ?.split(',')
      .map((path) => path.trim())
      .filter((path) => path !== '');
  const places = named?.length ? named : [`${home}/.claude`, `${env['XDG_CONFIG_HOME'] || `${home}/.config`}/claude`];
  return [...new Set(places.map((place) => configDirOf(place, home)))];
}

/** The folder that holds the session logs of a config folder. */
export function projectsDir(configDir: string): string {
  return `${configDir}/projects`;
}

/** The folder of the live registry: one file per running Claude Code process. */
export function sessionsDir(configDir: string): string {
  return `${configDir}/sessions`;
}

/** Session logs are `<slug>/<session>.jsonl` and `<slug>/<session>/subagents/agent-<id>.jsonl`: whatever ends so, at any depth. */
export function isSessionLog(path: string): boolean {
  return path.endsWith('.jsonl');
}

/** The session a log belongs to by its place, for lines that do not say: the file's name, or the folder above `subagents`. */
export function sessionOfPath(path: string): string {
  const parts = path.split('/');
  const subagents = parts.lastIndexOf('subagents');
  return subagents > 0 ? (parts[subagents - 1] ?? '') : (parts.at(-1) ?? '').replace(/\.jsonl$/, '');
}

/** True for a subagent's log: it is no session of its own. */
export function isSubagentLog(path: string): boolean {
  return path.includes('/subagents/');
}

function configDirOf(place: string, home: string): string {
  const expanded = place === '~' ? home : place.startsWith('~/') ? `${home}${place.slice(1)}` : place;
  const trimmed = expanded.length > 1 ? expanded.replace(/\/+$/, '') : expanded;
  return trimmed.endsWith('/projects') ? trimmed.slice(0, -'/projects'.length) : trimmed;
}
