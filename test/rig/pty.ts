import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { ReadStream } from 'node:tty';
import koffi from 'koffi';
import type { TestContext } from 'node:test';
import { HANG_MS } from './hang.ts';

// <asm-generic/ioctls.h>
const TIOCSWINSZ = 0x5414;
// <asm-generic/fcntl.h>; Node has no name for it. Without it the command would hold its own window open.
const O_CLOEXEC = 0o2000000;

const libc = koffi.load(null);
const openMaster = libc.func('int posix_openpt(int flags)');
const grant = libc.func('int grantpt(int fd)');
const unlock = libc.func('int unlockpt(int fd)');
const slaveName = libc.func('int ptsname_r(int fd, _Out_ uint8_t *name, size_t size)');
const ioctl = libc.func('int ioctl(int fd, ulong request, const uint8_t *value)');
const writeBytes = libc.func('long write(int fd, const uint8_t *bytes, size_t count)');

export interface PtyOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
}

/** A terminal of its own, with a command as the leader of its session: what a terminal window is to the programs in it. */
export interface Pty {
  readonly child: ChildProcess;
  /** Everything that was shown so far. */
  readonly shown: () => string;
  /** Resolves once the text was shown, after what earlier waits have found. */
  see(text: string | RegExp): Promise<void>;
  /** As if typed; `\u0003` is Ctrl-C, `\u001A` Ctrl-Z. */
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** As if the window was closed: the kernel sends HUP. */
  closeWindow(): void;
  /** Resolves with `[exitCode, signal]` of the session's leader. */
  readonly exited: Promise<readonly [number | null, NodeJS.Signals | null]>;
}

/**
 * Opens a terminal with posix_openpt(3) and starts a command on it. The command's shell leads a session without a terminal and opens the
 * slave, which thereby becomes its controlling terminal (tty_ioctl(4)): no native module is needed for that.
 */
export function openPty(
  t: Pick<TestContext, 'after'>,
  command: readonly [string, ...string[]],
  options: PtyOptions,
): Pty {
  const master = check('posix_openpt', openMaster(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC) as number);
  check('grantpt', grant(master) as number);
  check('unlockpt', unlock(master) as number);
  const name = Buffer.alloc(64);
  check('ptsname_r', slaveName(master, name, name.length) as number);
  const slave = name.toString('latin1', 0, name.indexOf(0));
  const screen = new ReadStream(master);
  let shown = '';
  let seen = 0;
  let closed = false;
  const watchers = new Set<() => void>();
  screen.setEncoding('utf8').on('data', (chunk: string) => {
    shown += chunk;
    for (const look of watchers) look();
  });
  // EIO: the last process on the other side has closed it.
  screen.on('error', () => screen.destroy());
  const child = spawn('/bin/sh', ['-c', 'exec <>"$0" >&0 2>&0; exec "$@"', slave, ...command], {
    detached: true,
    stdio: 'ignore',
    env: options.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const exited = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.once('exit', (code, signal) => resolve([code, signal]));
  });
  const pty: Pty = {
    child,
    exited,
    shown: () => shown,
    see(text) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const guard = setTimeout(
        () => reject(new Error(`${text} was not shown in ${HANG_MS} ms, but:\n${shown}`)),
        HANG_MS,
      );
      const look = (): void => {
        const end = endOf(text, shown, seen);
        if (end === null) return;
        seen = end;
        resolve();
      };
      watchers.add(look);
      look();
      return promise.finally(() => {
        clearTimeout(guard);
        watchers.delete(look);
      });
    },
    type(text) {
      const bytes = Buffer.from(text);
      check('write', writeBytes(master, bytes, bytes.length) as number);
    },
    resize(columns, rows) {
      check('ioctl', ioctl(master, TIOCSWINSZ, Buffer.from(Uint16Array.of(rows, columns, 0, 0).buffer)) as number);
    },
    closeWindow() {
      if (closed) return;
      closed = true;
      screen.destroy();
    },
  };
  t.after(() => pty.closeWindow());
  pty.resize(80, 24);
  return pty;
}

function endOf(wanted: string | RegExp, shown: string, from: number): number | null {
  const rest = shown.slice(from);
  if (typeof wanted === 'string') return rest.includes(wanted) ? from + rest.indexOf(wanted) + wanted.length : null;
  const match = wanted.exec(rest);
  return match === null ? null : from + match.index + match[0].length;
}

function check(call: string, result: number): number {
  if (result < 0) throw new Error(`${call} failed with errno ${koffi.errno()}`);
  return result;
}
