/**
 * What the contract has and this version does not enforce. It is refused by name, because a cap that is accepted and not enforced is
 * worse than none: the person who wrote it goes to sleep.
 */
const LATER_KEYS: Readonly<Record<string, readonly string[]>> = {
  '': ['notify', 'fleet'],
  limit: ['tool_turns', 'turns', 'idle_minutes', 'rss_mb', 'processes'],
  agents: ['codex', 'gemini', 'opencode'],
  daemon: ['http'],
};

const LATER_VALUES: Readonly<Record<string, readonly string[]>> = {
  unsupervised: ['stop'],
};

/** Says that a key of a table is known but not enforced yet, or null. `table` is its name: `limit`, `agents`, empty for the top. */
export function laterKey(table: string, key: string): string | null {
  return LATER_KEYS[table]?.includes(key) === true ? `this version does not enforce ${key} yet` : null;
}

/** The same for a value of a key. */
export function laterValue(key: string, value: unknown): string | null {
  const isLater = typeof value === 'string' && LATER_VALUES[key]?.includes(value) === true;
  return isLater ? `this version does not enforce ${key} = "${value}" yet` : null;
}
