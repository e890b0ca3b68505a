import { ReeveError } from './errors.ts';

/**
 * Refuses what is no time to wait: NaN and its like would be taken for 0 on their way, and act at once.
 * @param least the shortest time that makes sense, in milliseconds
 * @throws USAGE naming the option
 */
export function assertWholeMs(name: string, ms: number, least: 0 | 1 = 0): void {
  if (Number.isSafeInteger(ms) && ms >= least) return;
  const hint = `Give whole milliseconds ${least === 0 ? 'from' : 'above'} 0.`;
  throw new ReeveError('USAGE', `${name} cannot be ${String(ms)}`, { hint, where: name });
}
