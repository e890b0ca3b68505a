/**
 * What the contract has and this version does not enforce. It is refused by name, because a cap that is accepted and not enforced is
 * worse than none: the person who wrote it goes to sleep.
 */
const LATER_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['notify', 'fleet'],
  limit: ['tool_turns', 'turns', 'idle_minutes', 'rss_mb', 'processes'],
  daemon: ['http'],
};

/** Says that a key is known but does nothing yet, or null. The path is the key's own, like `['limit', 0, 'turns']`. */
export function laterKey(path: readonly PropertyKey[]): string | null {
  const names = path.filter((part) => typeof part === 'string');
  const key = names.at(-1) ?? '';
  const [table = ''] = names.length > 1 ? names : [];
  if (LATER_KEYS[table]?.includes(key) === true) return `this version does not enforce ${key} yet`;
  const [, agent] = names;
  if (table === 'agents' && key === 'logs') return `this version does not read the logs of ${agent} yet`;
  return null;
}
