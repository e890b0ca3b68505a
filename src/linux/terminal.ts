import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import koffi from 'koffi';

// <bits/signum-generic.h>, <bits/termios-tcflow.h>: the same on every Linux.
const SIGTTOU = 22;
const SIG_IGN = 1;
const TCSANOW = 0;
/** More than `struct termios` has on any libc (60 bytes); it is compared and given back whole, never looked into. */
const TERMIOS_BYTES = 256;

interface TerminalCalls {
  tcgetattr(fd: number, termios: Uint8Array): number;
  tcsetattr(fd: number, action: number, termios: Uint8Array): number;
  tcsetpgrp(fd: number, group: number): number;
  signal(number: number, action: number): number;
}

let loadedCalls: TerminalCalls | null = null;

/** Loaded on first use: most runs have no terminal. */
function calls(): TerminalCalls {
  if (loadedCalls !== null) return loadedCalls;
  const libc = koffi.load(null);
  loadedCalls = {
    tcgetattr: libc.func('int tcgetattr(int fd, _Out_ uint8_t *termios)') as unknown as TerminalCalls['tcgetattr'],
    tcsetattr: libc.func(
      'int tcsetattr(int fd, int action, const uint8_t *termios)',
    ) as unknown as TerminalCalls['tcsetattr'],
    tcsetpgrp: libc.func('int tcsetpgrp(int fd, int group)') as unknown as TerminalCalls['tcsetpgrp'],
    signal: libc.func('intptr_t signal(int number, intptr_t action)') as unknown as TerminalCalls['signal'],
  };
  return loadedCalls;
}

/**
 * What undoes a full-screen program that could not do it itself: mouse, focus and paste reports off, keyboard protocol back, cursor shown,
 * colours off, and out of the alternate screen. The cursor is saved first, because leaving a screen that was not entered restores it.
 * @see https://invisible-island.net/xterm/ctlseqs/ctlseqs.html
 */
const LEAVE_FULL_SCREEN =
  '\u001B[?1000l\u001B[?1002l\u001B[?1003l\u001B[?1005l\u001B[?1006l\u001B[?1015l\u001B[?1004l\u001B[?2004l' +
  '\u001B[<u\u001B[?25h\u001B[0m\u001B7\u001B[?1049l';

const OWN_STAT = '/proc/self/stat';

/** Where this process stands towards its controlling terminal (proc(5), `/proc/pid/stat` fields 5, 7, 8). */
interface TerminalStanding {
  readonly ownGroup: number;
  readonly foregroundGroup: number;
}

/** Null without a terminal, and where there is no /proc to tell of one. */
function standing(): TerminalStanding | null {
  if (!existsSync(OWN_STAT)) return null;
  const stat = readFileSync(OWN_STAT, 'latin1');
  // The name in parentheses may hold anything, also spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [ownGroup, device, foregroundGroup] = [fields[2], fields[4], fields[5]].map(Number);
  if (ownGroup === undefined || foregroundGroup === undefined || device === 0) return null;
  return { ownGroup, foregroundGroup };
}

/** Whether this process has a controlling terminal, whatever its descriptors are. */
export function hasTerminal(): boolean {
  return standing() !== null;
}

/** The controlling terminal of this process, as it was when the run began. */
export interface Terminal {
  /**
   * Gives the terminal back as it was, unless a living group other than ours is using it: then it is not ours to touch.
   * `leaveFullScreen` also undoes what a full-screen program left on, as does a changed terminal mode. Never throws: the terminal may be gone.
   */
  restore(options: { readonly leaveFullScreen: boolean; readonly groupLives: (group: number) => boolean }): void;
  close(): void;
}

/**
 * Opens the controlling terminal and remembers its modes; null when there is none.
 *
 * It is the command's to leave in disorder, and ours to tidy up, only where it is the command's input *and* output. At either end of a pipe
 * another command of the line may be using it (`reeve run -- agent | less`): what modes it has then are that one's doing.
 *
 * From then on this process ignores TTOU: at the end it may be in the background (a shell that the agent ran kept the foreground and
 * died), and setting modes from there would stop it ([tcsetattr(3)](https://man7.org/linux/man-pages/man3/termios.3.html)). Children do
 * not inherit that: libuv resets what they ignore.
 */
export function openTerminal(env: NodeJS.ProcessEnv): Terminal | null {
  const start = standing();
  if (start === null) return null;
  let fd: number;
  try {
    fd = openSync('/dev/tty', 'r+');
  } catch {
    return null;
  }
  calls().signal(SIGTTOU, SIG_IGN);
  // In the background the modes are those of the shell's own line editor, not ones to come back to.
  const isOurs = start.foregroundGroup === start.ownGroup && isatty(0) && isatty(1);
  const saved = isOurs ? readModes(fd) : null;
  return {
    restore({ leaveFullScreen, groupLives }) {
      const now = standing();
      if (saved === null || now === null) return;
      if (now.foregroundGroup !== start.ownGroup) {
        if (groupLives(now.foregroundGroup)) return;
        calls().tcsetpgrp(fd, start.ownGroup);
      }
      const changed = readModes(fd)?.equals(saved) === false;
      if (changed) calls().tcsetattr(fd, TCSANOW, saved);
      if ((!changed && !leaveFullScreen) || env['TERM'] === 'dumb') return;
      try {
        writeSync(fd, LEAVE_FULL_SCREEN);
      } catch {
        // The window was closed.
      }
    },
    close: () => closeSync(fd),
  };
}

function readModes(fd: number): Buffer | null {
  const modes = Buffer.alloc(TERMIOS_BYTES);
  return calls().tcgetattr(fd, modes) === 0 ? modes : null;
}
