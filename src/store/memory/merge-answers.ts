import { isLargerUsage } from '../../usage/entry.ts';
import type { PricedEntry } from '../../usage/ports.ts';

/**
 * Two lines of one answer: the largest usage wins with its price, the earliest line with its place and time, and one line with a tool
 * call makes the answer a tool turn. So the order in which lines and files arrive changes nothing.
 * @param fileOrder which of two files was seen first: matters only between copies with equal timestamps (a fork)
 */
export function mergeAnswers(known: PricedEntry, line: PricedEntry, fileOrder: (file: string) => number): PricedEntry {
  const usage = isLargerUsage(line.tokens, known.tokens) ? line : known;
  const origin = isEarlier(line, known, fileOrder) ? line : known;
  return {
    ...origin,
    model: usage.model,
    tokens: usage.tokens,
    costMicroUsd: usage.costMicroUsd,
    basis: usage.basis,
    priceVersion: usage.priceVersion,
    requestId: known.requestId ?? line.requestId,
    toolUse: known.toolUse || line.toolUse,
  };
}

type Place = Pick<PricedEntry, 'timestamp' | 'file' | 'offset'>;

/** Said first: by time, then in the file seen first, then higher up in it. */
export function isEarlier(a: Place, b: Place, fileOrder: (file: string) => number): boolean {
  const place = (entry: Place) => [entry.timestamp, fileOrder(entry.file), entry.offset];
  return compareTuples(place(a), place(b)) < 0;
}

function compareTuples(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
