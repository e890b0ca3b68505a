/** One line that says nothing: blank, or a comment of characters that TOML allows there (https://toml.io/en/v1.0.0#comment). */
const EMPTY_LINE = /^[ \t]*(?:#[^\p{Cc}]*(?:\t[^\p{Cc}]*)*)?\r?$/u;
/** As limits are nearly always written. */
const PLAIN_LIMIT = /^[ \t]*\[\[limit\]\]/mu;

/**
 * What a config's text says about limits to who does not read TOML: `none` and `some` are certain enough to act on, and anything else is
 * `unknown`, because a limit can be written in many ways (`limit = […]`, `[[ "l\u0069mit" ]]`) and a text can be no valid config at all.
 */
export function limitsAtAGlance(text: string): 'none' | 'some' | 'unknown' {
  if (text.split('\n').every((line) => EMPTY_LINE.test(line))) return 'none';
  return PLAIN_LIMIT.test(text) ? 'some' : 'unknown';
}
