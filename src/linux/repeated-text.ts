const ASCII_END = 0x80;

/** Reads UTF-8 between two places of some bytes. */
type ReadText = (bytes: Buffer, start: number, end: number) => string;

/**
 * Reads texts of which each is often the same as the one before, such as the names and the folders of neighbours in a process table: to compare
 * the bytes takes less than to make another string of them. Remembers one text.
 */
export function repeatedText(): ReadText {
  let last = '';
  return (bytes, start, end) => {
    if (!isText(last, bytes, start, end)) last = bytes.toString('utf8', start, end);
    return last;
  };
}

/** What is not ASCII has other bytes than it has characters, and counts as another text. */
function isText(text: string, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== text.length) return false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = bytes[start + at] ?? ASCII_END;
    if (byte >= ASCII_END || byte !== text.charCodeAt(at)) return false;
  }
  return true;
}
