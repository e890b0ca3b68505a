import { styleText } from 'node:util';
import { plain } from '../plain.ts';
import { shellWord } from '../shell-word.ts';

export { plain };

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A duration for people: `340 ms`, `12 s`, `4m 03s`, `2h 05m`, `3d 04h`. */
export function formatDuration(ms: number): string {
  if (ms < SECOND_MS) return `${Math.round(ms)} ms`;
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)}m ${twoDigits((ms % MINUTE_MS) / SECOND_MS)}s`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)}h ${twoDigits((ms % HOUR_MS) / MINUTE_MS)}m`;
  return `${Math.floor(ms / DAY_MS)}d ${twoDigits((ms % DAY_MS) / HOUR_MS)}h`;
}

function twoDigits(value: number): string {
  return String(Math.floor(value)).padStart(2, '0');
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes in powers of 1,000 with at most three digits: `812 B`, `4.1 kB`, `235 MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
}

export type Colour = 'green' | 'yellow' | 'red' | 'dim' | 'bold' | 'cyan';

/** Colours text when `color` is on. */
export function paint(text: string, colour: Colour, color: boolean): string {
  return color && text !== '' ? styleText(colour, text, { validateStream: false }) : text;
}

/** `1 run`, `2 runs`, `2 processes`. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${value} ${value === 1 ? noun : plural}`;
}

/** A command line as one would type it: arguments quoted for a POSIX shell where needed. */
export function commandLine(command: string, args: readonly string[]): string {
  return plain([command, ...args].map(shellWord).join(' '));
}
