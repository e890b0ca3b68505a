import { writeSync } from 'node:fs';

/** To the daemon's own log. */
export function complain(at: number, text: string): void {
  say(`${new Date(at).toISOString()} ${text}`);
}

/** A line without its time: the last one of a daemon that does not start is what its starter quotes. */
export function say(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // A disk without space for a complaint must not end the daemon, as Node's stream would. There is nobody left to tell.
  }
}
