/**
 * One line of text that cannot act on the terminal it is shown on: a command's arguments, a process name and a branch are chosen by
 * others, and may hold line breaks and escape sequences.
 */
export function plain(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\n' || character === '\t' ? ' ' : '\u{FFFD}'));
}
