import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

const STANDARD_FDS = [0, 1, 2] as const;

/**
 * Keeps this process from changing the modes of a terminal when it ends. Node then sets each terminal among its standard descriptors to the modes
 * that it found at its own start ([ResetStdio](https://github.com/nodejs/node/blob/v24.x/src/node.cc)), whoever uses it by then: the pager
 * that our output went to, an editor in the foreground. What is not the same file any more it leaves alone, so at the very end, when all
 * is written, another one takes each terminal's place.
 */
export function keepTerminalModes(): void {
  process.on('exit', () => {
    const terminals = STANDARD_FDS.filter((fd) => isatty(fd));
    if (terminals.length === 0) return;
    holdWindow();
    for (const fd of terminals) replace(fd);
  });
}

/** A window whose last program has let go of it is closed, and that program, were it still ending, would be sent HUP. */
function holdWindow(): void {
  try {
    openSync('/dev/tty', 'r+');
  } catch {
    // No terminal of ours: nothing is sent.
  }
}

/** Not only closed: what else is called at the end of a process flushes its output, and may wait for ever for one that is not there. */
function replace(fd: number): void {
  try {
    closeSync(fd);
    // Gets the number that has just become free.
    openSync('/dev/null', 'r+');
  } catch {
    // Without a /dev it stays closed.
  }
}
