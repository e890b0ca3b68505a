const TYPE = Buffer.from('"type":"');
const U = 'u'.charCodeAt(0);
const USER = Buffer.from('user"');
/** The two ways in which Claude Code lays out a tool result: its key is the first of the first block. */
const RESULTS = ['"tool_use_id":', '"type":"tool_result"'].map((key) =>
  Buffer.from(`user","message":{"role":"user","content":[{${key}`),
);

/**
 * What a line of type `user` holds, as far as a glance tells: what a tool gave back, which is most bytes of a log and needs no second look,
 * or something else, which may be a prompt. Null for a line of another type.
 *
 * The first type that a line names is its own: Claude Code writes it before anything that could hold another. A text in which the same
 * stands has its quotes escaped.
 */
export function userLineAt(chunk: Buffer, start: number, end: number): 'result' | 'other' | null {
  const type = chunk.indexOf(TYPE, start);
  const value = type + TYPE.length;
  if (type < 0 || type >= end || chunk[value] !== U) return null;
  if (RESULTS.some((result) => standsAt(chunk, value, result))) return 'result';
  return standsAt(chunk, value, USER) ? 'other' : null;
}

function standsAt(chunk: Buffer, at: number, bytes: Buffer): boolean {
  const end = at + bytes.length;
  return end <= chunk.length && chunk.compare(bytes, 0, bytes.length, at, end) === 0;
}
