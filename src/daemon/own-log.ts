import { writeSync } from 'node:fs';

/** To the daemon's own log. A disk without space for a complaint must not end the daemon, as Node's stream would. */
export function complain(at: number, text: string): void {
  try {
    writeSync(2, `${new Date(at).toISOString()} ${text}\n`);
  } catch {
    // There is nobody left to tell.
  }
}
