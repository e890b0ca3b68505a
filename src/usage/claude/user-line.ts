const TYPE = '"type":"';
const USER = 'user"';
/** The two ways in which Claude Code lays out a tool result: its key is the first of the first block. */
const RESULTS = ['"tool_use_id":', '"type":"tool_result"'].map(
  (key) => `user","message":{"role":"user","content":[{${key}`,
);

/**
 * What a line of type `user` holds, as far as a glance tells: what a tool gave back, which is most bytes of a log and needs no second look,
 * or something else, which may be a prompt. Null for a line of another type.
 *
 * The first type that a line names is its own: Claude Code writes it before anything that could hold another. A text in which the same
 * stands has its quotes escaped.
 *
 * @param bytes of one line
 */
export function userLine(bytes: string): 'result' | 'other' | null {
  const type = bytes.indexOf(TYPE);
  const value = type + TYPE.length;
  if (type < 0 || !bytes.startsWith(USER, value)) return null;
  return RESULTS.some((result) => bytes.startsWith(result, value)) ? 'result' : 'other';
}
