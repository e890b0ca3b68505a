/** A file that a process has open, as `lsof -F pfDin` names it ([lsof(8)](https://man7.org/linux/man-pages/man8/lsof.8.html), Output for other programs). */
export interface OpenFile {
  readonly pid: number;
  /** `cwd`: the working folder. `txt`: program code; the first one is the program itself. */
  readonly role: string;
  /** Device number; null when `lsof` does not know it. */
  readonly device: number | null;
  /** Inode number; null when `lsof` does not know it. */
  readonly inode: number | null;
  /** As printed: with escapes, and with remarks like ` (deleted)` behind it. */
  readonly name: string;
}

/** Each line is one field: a letter and its value. `p` begins a process, `f` a file of it. */
export function parseOpenFiles(text: string): readonly OpenFile[] {
  const files: { -readonly [Key in keyof OpenFile]: OpenFile[Key] }[] = [];
  let pid = 0;
  for (const line of text.split('\n')) {
    const value = line.slice(1);
    const file = files.at(-1);
    switch (line.charAt(0)) {
      case 'p':
        pid = Number(value);
        break;
      case 'f':
        files.push({ pid, role: value, device: null, inode: null, name: '' });
        break;
      case 'D':
        if (file !== undefined) file.device = numberIn(value);
        break;
      case 'i':
        if (file !== undefined) file.inode = numberIn(value);
        break;
      case 'n':
        if (file !== undefined) file.name = value;
        break;
      default:
    }
  }
  return files;
}

/**
 * The paths that a printed name may stand for. `lsof` writes a control character as `\n`, `\t` … `^A` or `\xHH`, a backslash doubled, and
 * leaves a `^` that is part of the name alone: what is meant shows only when the file is looked at.
 */
export function pathsMeantBy(name: string): readonly string[] {
  if (!/[\\^]/u.test(name)) return [name];
  return [unescape(name, { carets: false }), unescape(name, { carets: true })];
}

const SIMPLE: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '\\': '\\' };

function unescape(name: string, { carets }: { readonly carets: boolean }): string {
  const bytes: Buffer[] = [];
  for (let rest = name; rest !== '';) {
    const [token = ''] = /^(?:\\x[0-9a-f]{2}|\\[bfnrt\\]|\^[@-_?]|[^]?)/u.exec(rest) ?? [];
    bytes.push(decode(token, carets));
    rest = rest.slice(token.length);
  }
  return Buffer.concat(bytes).toString('utf8');
}

function decode(token: string, carets: boolean): Buffer {
  if (token.startsWith('\\x')) return Buffer.from([Number.parseInt(token.slice(2), 16)]);
  if (token.startsWith('\\')) return Buffer.from(SIMPLE[token.charAt(1)] ?? token);
  // ^? is the character 127; ^A is 1.
  if (carets && token.length === 2 && token.startsWith('^')) return Buffer.from([token.charCodeAt(1) ^ 0x40]);
  return Buffer.from(token);
}

function numberIn(text: string): number | null {
  const number = Number(text);
  return text !== '' && Number.isSafeInteger(number) ? number : null;
}
