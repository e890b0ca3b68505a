/** What `ps` and the C library call things on this kind of system. Everything else of them is POSIX, or the same everywhere. */
export interface Dialect {
  /** Selects processes by PID, if possible without a pass over all. */
  readonly pidFlag: string;
  /** The number of a thread, where a thread's number selects that thread; elsewhere the PID once more. */
  readonly threadColumn: string;
  /** Makes `ps` print the environment behind the arguments. */
  readonly environmentFlag: string;
  /** A locale in which both programs leave UTF-8 alone. */
  readonly characters: string;
  /**
   * True when the column `sess` is the session's number. macOS prints a kernel address there, or 0; only the flag `s` of a session's
   * leader tells something about sessions ([ps(1)](https://keith.github.io/xcode-man-pages/ps.1.html)).
   */
  readonly numbersSessions: boolean;
}

/** procps, on Linux ([ps(1)](https://man7.org/linux/man-pages/man1/ps.1.html)). */
export const PROCPS: Dialect = {
  pidFlag: '-q',
  threadColumn: 'lwp',
  environmentFlag: 'e',
  characters: 'C.UTF-8',
  numbersSessions: true,
};

/** macOS. Its output is parsed from recorded samples only: no test has run there yet. */
export const MACOS: Dialect = {
  pidFlag: '-p',
  threadColumn: 'pid',
  environmentFlag: '-E',
  characters: 'UTF-8',
  numbersSessions: false,
};

export function dialectOf(platform: NodeJS.Platform): Dialect {
  return platform === 'linux' ? PROCPS : MACOS;
}
