import { setTimeout as sleep } from 'node:timers/promises';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Select Graphic Rendition parameters (ECMA-48, 8.3.117). */
const SGR: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 };
/** How long a reader gets for one beat, in milliseconds; in a pipe nobody waits. */
const BEAT_MS = 700;

/** What the demo shows, and how fast. */
export interface Screen {
  /** Colours text when the screen shows colours. */
  readonly paint: (style: Style, text: string) => string;
  readonly line: (text?: string) => void;
  /** A numbered heading. */
  chapter(title: string): Promise<void>;
  /** A command as if typed. */
  prompt(command: string): Promise<void>;
  /** Text of another program, indented. */
  quote(text: string): void;
  /** Time to read, on a terminal. */
  beat(beats?: number): Promise<void>;
}

/** Colour and timing only on a terminal; colour also not with NO_COLOR. */
export function createScreen(out: NodeJS.WriteStream, env: NodeJS.ProcessEnv): Screen {
  const isTerminal = out.isTTY;
  const isColored = isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  let chapters = 0;
  const paint = (style: Style, text: string): string => (isColored ? `\u001B[${SGR[style]}m${text}\u001B[0m` : text);
  const line = (text = ''): void => void out.write(`${text}\n`);
  const beat = async (beats = 1): Promise<void> => {
    if (isTerminal) await sleep(beats * BEAT_MS);
  };
  return {
    paint,
    line,
    beat,
    async chapter(title) {
      chapters += 1;
      await beat(2);
      line(`\n${paint('bold', `${chapters}  ${title}`)}`);
    },
    async prompt(command) {
      await beat();
      line(`\n${paint('cyan', `$ ${command}`)}`);
      await beat();
    },
    quote(text) {
      for (const quoted of text.trimEnd().split('\n')) line(`  ${quoted}`);
    },
  };
}
