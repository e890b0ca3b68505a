/** What stands in a record where a secret stood. */
export const REDACTED = '[redacted]';

/** Arguments kept in a record; beyond them only their number is. */
const MAX_ARGUMENTS = 200;
/** Characters kept of one argument: prompts can be whole documents. */
const MAX_ARGUMENT_LENGTH = 2_000;

/** A word in a name that says its value is secret: `--api-key`, `GITHUB_TOKEN`, `x-auth`. */
const SECRET_WORD =
  '(?:api[-_]?key|key|token|secret|passwd|password|passphrase|pwd|credentials?|auth|authorization|cookie|dsn)';
const SECRET_NAME = new RegExp(`(?:^|[-_.])${SECRET_WORD}(?:$|[-_.])`, 'iu');
/** An option that takes its value from the next argument. */
const OPTION = /^--?([\w.-]+)$/u;

/** Within a text: what to look for, and what of it stays. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Authorization: Bearer x · x-api-key: x · Cookie: a=b; c=d
  [
    /\b((?:proxy-)?authorization|x-[\w-]*(?:key|token|auth)[\w-]*|(?:set-)?cookie)(["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|token)\s+)?[^\s"',][^"'\r\n]*/giu,
    `$1$2${REDACTED}`,
  ],
  [/\b(bearer|basic)(\s+)[\w.~+/=-]{6,}/giu, `$1$2${REDACTED}`],
  // https://user:password@host
  [/(\b[a-z][\w+.-]*:\/\/)[^\s/@:]*:[^\s/@]+@/giu, `$1${REDACTED}@`],
  // Keys that show themselves by how they begin.
  [
    /\b(?:sk|pk|rk)-[\w-]{12,}|\b(?:ghp|gho|ghu|ghs|ghr)_\w{16,}|\bgithub_pat_\w{16,}|\bglpat-[\w-]{12,}|\bxox[a-z]-[\w-]{10,}|\bnpm_\w{20,}|\bAKIA[0-9A-Z]{12,}|\bAIza[\w-]{20,}|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/gu,
    REDACTED,
  ],
];

/** `NAME=value` and `"name": "value"`, anywhere in a text. */
const ASSIGNMENT = /(?<name>[A-Za-z_][\w.-]*)(?<sign>["']?\s*[:=]\s*)(?<value>"[^"]*"|'[^']*'|[^\s"';&|,}]+)/gu;

/**
 * A command's arguments as they may be recorded: secrets replaced, long ones and long lists cut with a mark. Rather one word too many than
 * one too few: the record is for people to recognise a run by, not to repeat it from.
 */
export function redactArguments(args: readonly string[]): readonly string[] {
  const kept = args.slice(0, MAX_ARGUMENTS).map((argument, index) => {
    const option = OPTION.exec(args[index - 1] ?? '')?.[1];
    const isValueOfSecret = option !== undefined && SECRET_NAME.test(option) && !argument.startsWith('--');
    return isValueOfSecret ? REDACTED : redactArgument(argument);
  });
  const more = args.length - kept.length;
  return more > 0 ? [...kept, `…(+${more} more)`] : kept;
}

/** A text without the secrets in it: headers, assignments, URLs with a password, well-known kinds of keys. */
export function redactText(text: string): string {
  // Headers first: an assignment ends at a blank, and `Authorization: Bearer x` goes on after one.
  const rest = PATTERNS.reduce((before, [pattern, replacement]) => before.replaceAll(pattern, replacement), text);
  return rest.replaceAll(ASSIGNMENT, (whole: string, name: string, sign: string) =>
    SECRET_NAME.test(name) ? `${name}${sign}${REDACTED}` : whole,
  );
}

/** What lies far behind the cut is not looked at, so that a document of a prompt costs no time. */
function redactArgument(argument: string): string {
  const text = redactText(argument.slice(0, 2 * MAX_ARGUMENT_LENGTH));
  const more = argument.length - MAX_ARGUMENT_LENGTH;
  return more > 0 ? `${text.slice(0, MAX_ARGUMENT_LENGTH)}…(+${more} characters)` : text;
}
