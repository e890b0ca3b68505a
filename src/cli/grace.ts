import { ReeveError } from '../errors.ts';
import { parseDuration } from '../limits/duration.ts';

/** Reads `--grace`: `10s`, `500ms`, `0`. @throws USAGE */
export function parseGraceMs(text: string): number {
  const graceMs = text === '0' ? 0 : parseDuration(text);
  if (graceMs === null)
    throw new ReeveError('USAGE', `--grace cannot be "${text}"`, {
      where: '--grace',
      hint: 'a time such as 10s, 500ms or 0',
    });
  return graceMs;
}
