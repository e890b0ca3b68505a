/*
 * Searches and comparisons that mostly end within a hundred bytes. There a loop is quicker than Buffer's own methods, which check their
 * arguments, cross into native code and, for part of a buffer, need another buffer.
 */

/** True when `part` stands at `at`. */
export function holdsAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  const { length } = part;
  for (let index = 0; index < length; index++) if (bytes[at + index] !== part[index]) return false;
  return true;
}

/** True when the `length` bytes at `a` are those at `b`. */
export function sameBytes(
  bytes: Uint8Array,
  at: { readonly a: number; readonly b: number; readonly length: number },
): boolean {
  const { a, b, length } = at;
  for (let index = 0; index < length; index++) if (bytes[a + index] !== bytes[b + index]) return false;
  return true;
}

/** Where `part` first begins in `from..to`, both included; -1 when it does not. */
export function firstIn(bytes: Uint8Array, part: Uint8Array, { from, to }: Range): number {
  for (let at = from; at <= to; at++) if (bytes[at] === part[0] && holdsAt(bytes, at, part)) return at;
  return -1;
}

/** Where `part` last begins in `from..to`, both included; -1 when it does not. */
export function lastIn(bytes: Uint8Array, part: Uint8Array, { from, to }: Range): number {
  for (let at = to; at >= from; at--) if (bytes[at] === part[0] && holdsAt(bytes, at, part)) return at;
  return -1;
}

interface Range {
  readonly from: number;
  readonly to: number;
}
