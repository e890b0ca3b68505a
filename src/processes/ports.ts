import type { Identity, Realm } from './identity.ts';

/** One row of the process table, read in one pass. Of a process that /proc hides, what can be known of it: see `isHidden` in identity.ts. */
export interface ProcessRow {
  readonly pid: number;
  /** 0: it has none in this PID namespace, or it is hidden and cannot be known. */
  readonly ppid: number;
  readonly pgid: number;
  /** 0, which is nobody's, where the platform does not tell the session of this process. */
  readonly sid: number;
  /** The kernel's state letter: R, S, D, T, t, Z, X, I (proc(5)). Z means dead: no thread of the process is left. `?`: alive, and hidden. */
  readonly state: string;
  /** Start time in clock ticks since boot. */
  readonly startTicks: number;
  /** The kernel's name of the process, at most 15 bytes; of a Node process that has no title, the program's. */
  readonly comm: string;
  /** A number that changes when the process executes another program; absent where the platform has none. */
  readonly execStamp?: number;
  /** True for a thread of the kernel, which has no program, folder or environment. Absent where the platform shows none. */
  readonly isKernelThread?: boolean;
}

/** A process and where it works. */
export interface LocatedRow extends ProcessRow {
  /** Real path of the working folder. `null` = unreadable. */
  readonly cwd: string | null;
}

/** What costs a further read per process. `null` = unreadable (another user's, not dumpable, or gone): never guessed. */
export interface ProcessDetails {
  readonly exe: string | null;
  /** Each argument; where the platform joins them with blanks (`ps`), each word. */
  readonly argv: readonly string[] | null;
  readonly cwd: string | null;
  readonly rssBytes: number | null;
  /** User plus system CPU time in milliseconds. */
  readonly cpuMs: number | null;
  /** Real user id of the owner. */
  readonly uid: number | null;
}

export type EnvironmentValue =
  | { readonly kind: 'value'; readonly value: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable' };

/** How many processes and threads were started, and so how far PIDs have come round. */
export interface StartCount {
  /** Since boot, on the whole machine. */
  readonly starts: number;
  /** The PID that was given last in this namespace. */
  readonly lastPid: number;
  /** PIDs are smaller than this, and begin anew when it is reached. */
  readonly maxPid: number;
}

/** What can be known of processes that /proc keeps from this user. */
export interface HiddenProcesses {
  /** False: the table cannot even list those whose parents it shows. */
  readonly showsChildren: boolean;
  count(): StartCount;
  /** PIDs, from `first` to `last`, of hidden processes that are alive, in ascending order. The kernel's own threads are none. */
  alive(first: number, last: number): readonly number[];
}

/**
 * The live process table of this machine, as seen from this PID namespace. Synchronous: one pass takes milliseconds, and nothing
 * else of reeve runs between reading the rows and deciding on them. Where it cannot answer it throws PLATFORM_UNSUPPORTED.
 */
export interface ProcessTable {
  readonly realm: Realm;
  /** Clock ticks per second, the unit of `startTicks`. */
  readonly ticksPerSecond: number;
  /** True where each look starts a program, whose end is a SIGCHLD to this process. */
  readonly startsPrograms?: boolean;
  /** The time now in the unit of `startTicks`. Absent where the platform has no such clock. */
  nowTicks?(): number;
  /**
   * Present where /proc hides processes of others from this user. The list then has those of them whose parents it shows, which is how
   * it misses none of a tree that a living, visible subreaper holds together.
   */
  readonly hidden?: HiddenProcesses;
  /** Every process. One that is there before the call and after it is never missing. */
  list(): readonly ProcessRow[];
  /** The same with the working folders. For platforms where that costs less than asking for each afterwards. */
  listLocated?(): readonly LocatedRow[];
  /**
   * Those that are there now and were not among `known`, which `list` has returned a moment ago. For platforms where that costs less
   * than a whole pass.
   */
  listNew?(known: readonly ProcessRow[]): readonly ProcessRow[];
  /**
   * The number that was given last to a new process or thread: while it is the same, as a rule none was started. It comes early in a fork,
   * before the process can be seen, and a container may be shown one that is late. Absent where the platform has no such count.
   */
  newestPid?(): number;
  /** One row, or null when no such process exists. */
  read(pid: number): ProcessRow | null;
  /** The rows of those of them that exist. For platforms where reading many costs no more than reading one. */
  readMany?(pids: readonly number[]): readonly ProcessRow[];
  details(pid: number): ProcessDetails;
  /** Real path of the working folder alone: far cheaper than {@link ProcessTable.details}. `null` = unreadable. */
  cwd(pid: number): string | null;
  /** Paths of the files that the process has open; [] when they cannot be read. Absent where the platform does not tell. */
  openFiles?(pid: number): readonly string[];
  /** One variable of the environment the process was started with. */
  environment(pid: number, name: string): EnvironmentValue;
}

export type SignalName =
  | 'TERM'
  | 'KILL'
  | 'INT'
  | 'HUP'
  | 'QUIT'
  | 'STOP'
  | 'CONT'
  | 'USR1'
  | 'USR2'
  | 'TSTP'
  | 'WINCH'
  | 'ABRT'
  | 'ALRM';

/** A process held by a verified reference (on Linux a pidfd opened before its start time was compared). */
export interface ProcessHandle {
  readonly identity: Identity;
  send(signal: SignalName): 'sent' | 'gone' | 'denied';
  /** Whether it lives, by the reference itself: true also of a process that /proc hides by now. Absent where only the table tells. */
  isAlive?(): boolean;
  close(): void;
}

export type OpenResult =
  | { readonly kind: 'open'; readonly handle: ProcessHandle }
  /** No such process, a zombie, or the PID is another process's now. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'denied' };

/** Sends signals to verified identities only. Refuses PIDs ≤ 1, this process and its ancestors with SIGNAL_REFUSED. */
export interface Signaller {
  /** @throws SIGNAL_REFUSED */
  open(identity: Identity): OpenResult;
  /** Resolves when at least one handle has exited, with all that have; or with [] after `timeoutMs`, or when the wait is given up. */
  waitAny(
    handles: readonly ProcessHandle[],
    timeoutMs: number,
    givenUp?: AbortSignal,
  ): Promise<readonly ProcessHandle[]>;
}

/** How an adopted process ended. */
export interface Reaped {
  readonly pid: number;
  readonly exitCode: number | null;
  /** Name with SIG: `SIGKILL`. */
  readonly signal: string | null;
}

/** The orphans of a process become its own children, so that nothing it starts leaves its tree. */
export interface Adoption {
  /** From now on. Holds for good, and asks for `reap`. */
  become(): void;
  /** Takes the dead among the adopted, and leaves alone those that Node started itself. */
  reap(ownChildPids: ReadonlySet<number>): readonly Reaped[];
}

/** What a platform offers for processes. */
export interface Processes {
  readonly table: ProcessTable;
  readonly signaller: Signaller;
  /** This process. */
  readonly self: Identity;
  /** Null where the system has no such thing: orphans then go to init, and are found by cookie, group and session alone. */
  readonly adoption: Adoption | null;
}
