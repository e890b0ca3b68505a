/**
 * Text of which each character is one byte of a log (Latin-1). Whatever a log is searched for is ASCII, and no byte of another UTF-8 character
 * is; so it is found where it is, and V8 searches its own strings without the calls out that searching a `Buffer` takes.
 */
export function bytesAsText(chunk: Buffer): string {
  return chunk.toString('latin1');
}

/** What the bytes say in UTF-8; the same text when they are ASCII. */
export function decodeBytes(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
