import { PASSWORD_PROGRAMS, watchPasswords } from './password-flags.ts';
import { isSecretName } from './secret-names.ts';

/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** How much of a command line is kept on record: enough to recognise it, little enough for 10,000 records. In UTF-16 units. */
const MAX_ARGUMENT_LENGTH = 1_000;
const MAX_ARGUMENTS = 100;

/** Beyond this an argument is not even looked at: the part that is kept comes from its beginning. */
const MAX_LOOK = 65_536;

/** A flag alone, whose value is the next argument: `--api-key`, `-H`. */
const FLAG = /^--?([A-Za-z][\w.-]*)$/;

/** A whole argument that is one assignment: `--token=x`, `API_KEY=x`; all the rest is the value, whatever is in it. */
const ASSIGNMENT = /^(-{0,2}([A-Za-z_][\w.-]*)=)([\s\S]+)$/;

/** A header's name as a word of its own, the value in the next. */
const HEADER = /^([\w-]{1,100}):$/;
/** What may stand between the two. */
const SCHEME = /^(?:bearer|basic|digest|token|negotiate)$/i;
const BEARER = /^bearer$/i;
/** What no word of a text is, or few. */
const CREDENTIALS = /^[\w.~+/=-]{6,}$/;

/** `-u name:password`, also written `-uname:password`, of programs that are not known; to some it is a time, or a user and a group. */
const USER_FLAG = /^(?:-u|-U|--user|--proxy-user)$/;
const NO_PASSWORD = /^(?:\+|\d+:\d+$|[^:]*:$)/;
const JOINED_USER_FLAG = /^(-[uU][^:\s]+:)(.+)$/s;

/** A string in quotes, closed or not; also in escaped ones, as scripts inside scripts have them. */
const QUOTED = String.raw`(?:"(?:\\.|[^"\\])*(?:"|$)|'[^']*(?:'|$)|\\"(?:\\(?!")|[^\\])*(?:\\"|$))`;
/** What a shell makes one word of: quoted and bare parts up to a blank. */
const SHELL_WORD = new RegExp(String.raw`(?:${QUOTED}|\\.|[^\s"'\\])+`, 'sy');
/** After a colon (JSON, YAML) the value ends with its quotes, or where punctuation of the data does. */
const DATA_VALUE = new RegExp(String.raw`${QUOTED}[^\s,;:}\])]*|[^\s"'\\]+`, 'sy');

/** Secrets inside a longer text: shell scripts, headers, JSON, URLs, prompts. Each matches in linear time, also in a megabyte of one letter. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // A header's value goes on to the end of the line or of the quotes around it.
  [/\b((?:proxy-)?authorization|(?:set-)?cookie)(["']?\s{0,8}:\s{0,8}["']?)[^\r\n"']+/gi, `$1$2${REDACTED}`],
  [/\b(bearer|basic)\s{1,8}[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // https://user:password@host
  [/(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}:\/\/)[^\s/?#"']*@/g, `$1${REDACTED}@`],
  [/-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|$)/g, REDACTED],
  // Tokens known by their shape: OpenAI, Anthropic, Stripe, GitHub, GitLab, Slack, AWS, Google, npm, Hugging Face, JWT.
  [/\b[sr]k[-_][A-Za-z0-9_-]{8,}/g, REDACTED],
  [
    /\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|xapp-|npm_|hf_|pypi-|dop_v1_|AKIA|ASIA|AIza|ya29\.)[A-Za-z0-9_.-]{8,}/g,
    REDACTED,
  ],
  [/\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?/g, REDACTED],
];

/** A program that takes a password behind a flag, inside a script. */
const PROGRAM = new RegExp(String.raw`(?<![\w.-])(?:${PASSWORD_PROGRAMS.join('|')})(?=\s)`, 'g');
/** The next word of its command, which ends with the line or where a shell ends it. */
const NEXT_WORD = new RegExp(String.raw`(?:[^\S\n]|\\\n)+((?:${QUOTED}|\\.|[^\s"'\\;|&()<>])+)`, 'sy');
const OPENING_QUOTE = /^\\?["']/;

/** How far behind its program a password is looked for, so that no text takes long; the length is in UTF-16 units. */
const MAX_COMMAND_WORDS = 50;
const MAX_COMMAND_LENGTH = 2_000;

/** `NAME=value`, `"name": "value"`, `--name value` inside a text; whether it is a secret is decided by the name. */
const NAMED_VALUE = new RegExp(
  String.raw`(?<![\w.-])(-{0,2}([A-Za-z_][\w.-]{0,99}))((?:\\?["'])?\s{0,8}[=:]\s{0,8}|\s{1,8})(?=\S)`,
  'g',
);

/**
 * A command line fit to be stored, logged and shown: secrets replaced by `[redacted]`, long arguments and long lists cut with a mark that
 * says how much is missing. Rather hides too much than too little. The command itself is run with the originals.
 * @param command whose arguments they are: of some programs a password is known by a flag of theirs
 */
export function redactArguments(args: readonly string[], command = ''): readonly string[] {
  const passwordAt = watchPasswords(command);
  const kept = args.slice(0, MAX_ARGUMENTS).map((argument, index) => {
    const at = passwordAt(argument);
    const safe = at === null ? redactArgument(argument, args.slice(0, index)) : `${argument.slice(0, at)}${REDACTED}`;
    return bound(safe, argument);
  });
  const dropped = args.length - kept.length;
  return dropped === 0 ? kept : [...kept, `…[${dropped} more arguments]`];
}

/** A text without its secrets: an error message, a line of a log. */
export function redactText(text: string): string {
  const safe = PATTERNS.reduce((rest, [pattern, replacement]) => rest.replaceAll(pattern, replacement), text);
  return redactNamedValues(redactPasswords(safe));
}

function redactArgument(argument: string, before: readonly string[]): string {
  const previous = before.at(-1) ?? '';
  const name = FLAG.exec(previous)?.[1];
  if (name !== undefined && isSecretName(name)) return REDACTED;
  if (isHeaderValue(argument, before)) return REDACTED;
  if (USER_FLAG.test(previous) && argument.includes(':') && !NO_PASSWORD.test(argument))
    return `${argument.slice(0, argument.indexOf(':'))}:${REDACTED}`;
  const [, head, assigned] = ASSIGNMENT.exec(argument) ?? [];
  if (head !== undefined && assigned !== undefined && isSecretName(assigned)) return `${head}${REDACTED}`;
  return redactText(argument.slice(0, MAX_LOOK)).replace(JOINED_USER_FLAG, `$1${REDACTED}`);
}

/** `Authorization:` `Bearer` `x`, in three words or in two. */
function isHeaderValue(argument: string, before: readonly string[]): boolean {
  const isSecretHeader = (word: string | undefined): boolean => isSecretName(HEADER.exec(word ?? '')?.[1] ?? '');
  const previous = before.at(-1) ?? '';
  if (isSecretHeader(previous)) return !SCHEME.test(argument);
  if (SCHEME.test(previous) && isSecretHeader(before.at(-2))) return true;
  return BEARER.test(previous) && CREDENTIALS.test(argument);
}

/** `mysql -u root -pSECRET`, `curl -u me:SECRET` inside a script: from each such program on, word by word. */
function redactPasswords(text: string): string {
  let result = '';
  let done = 0;
  for (const { 0: program, index } of text.matchAll(PROGRAM)) {
    if (index < done) continue;
    const command = text.slice(0, index + MAX_COMMAND_LENGTH);
    const passwordAt = watchPasswords(program);
    NEXT_WORD.lastIndex = index + program.length;
    for (let words = 0; words < MAX_COMMAND_WORDS; words += 1) {
      const raw = NEXT_WORD.exec(command)?.[1];
      if (raw === undefined) break;
      const quote = OPENING_QUOTE.exec(raw)?.[0] ?? '';
      const at = passwordAt(raw.slice(quote.length));
      if (at === null) continue;
      const end = NEXT_WORD.lastIndex;
      const start = end - raw.length + (at === 0 ? 0 : quote.length + at);
      result += `${text.slice(done, start)}${REDACTED}${at > 0 && raw.endsWith(quote) ? quote : ''}`;
      done = end;
    }
  }
  return result + text.slice(done);
}

/** By hand instead of with one expression, because the value must be skipped over, and not be searched for names again. */
function redactNamedValues(text: string): string {
  let result = '';
  let done = 0;
  NAMED_VALUE.lastIndex = 0;
  for (let match = NAMED_VALUE.exec(text); match !== null; match = NAMED_VALUE.exec(text)) {
    const [whole, flag = '', name = '', separator = ''] = match;
    const isAssigned = separator.trim() !== '' || flag.startsWith('-');
    if (!isAssigned || !isSecretName(name)) {
      // What follows may be a name itself: `env API_KEY=x`.
      NAMED_VALUE.lastIndex = match.index + flag.length;
      continue;
    }
    const value = separator.includes(':') ? DATA_VALUE : SHELL_WORD;
    value.lastIndex = match.index + whole.length;
    const end = value.test(text) ? value.lastIndex : match.index + whole.length;
    result += `${text.slice(done, match.index + whole.length)}${REDACTED}`;
    done = end;
    NAMED_VALUE.lastIndex = end;
  }
  return result + text.slice(done);
}

function bound(text: string, original: string): string {
  const hidden = original.length - MAX_LOOK;
  if (text.length <= MAX_ARGUMENT_LENGTH && hidden <= 0) return text;
  const cut = text.slice(0, MAX_ARGUMENT_LENGTH);
  return `${cut}…[${text.length - cut.length + Math.max(0, hidden)} more characters]`;
}
