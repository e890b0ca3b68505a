/** More than the story takes from its first cent to its last line. */
const STORY_MS = 10 * 60_000;
const NOON = 12;

/**
 * The TZ in which this day does not end before the demo does, or undefined for the machine's own. The story spends five cents *a day*
 * and is locked out until midnight: told across one, it would have a second day's five cents, and a lockout that is over.
 */
export function steadyZone(now: Date): string | undefined {
  if (new Date(now.getTime() + STORY_MS).getDate() === now.getDate()) return undefined;
  const ahead = NOON - now.getUTCHours();
  // POSIX counts west of Greenwich: Etc/GMT-5 is five hours ahead of it.
  return ahead > 0 ? `Etc/GMT-${ahead}` : `Etc/GMT+${-ahead}`;
}
