/**
 * A word as one would type it into a POSIX shell: quoted where the shell would take it for something else or for several. For whatever is part
 * of a command that people are told to type.
 */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
