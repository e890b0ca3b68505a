import type { Receipt } from '../processes/receipt.ts';
import type { Owner, RunId, Source } from '../runs/record.ts';
import type { OutputStreamName, ServiceEvent } from './events.ts';
import type { ServiceRun } from './service-run.ts';

/** What to start, and how. */
export interface StartOptions {
  /** A program: looked for in PATH unless it is a path. No shell is involved. */
  readonly command: string;
  readonly args?: readonly string[];
  /** @defaultValue the caller's working folder */
  readonly cwd?: string;
  /** Added to the caller's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** False: output goes nowhere (that of a detached run to its files alone), and there are no output events. @defaultValue true */
  readonly capture?: boolean;
  /**
   * True: stderr goes where stdout goes, so that all output is in the order in which it was written, and is stdout's. Of no effect on a
   * detached run. @defaultValue false; true for {@link Service.run}
   */
  readonly merge?: boolean;
  /** True: the run outlives this process, the service and the signal. @defaultValue false */
  readonly detach?: boolean;
  /** Stops the run, verified, when it is aborted; a detached run is left alone. */
  readonly signal?: AbortSignal;
  /** The run is stopped after this many milliseconds. @defaultValue none */
  readonly timeoutMs?: number;
  /** Between TERM and KILL, in milliseconds; 0 kills at once. @defaultValue 10000 */
  readonly graceMs?: number;
  /** Unique among the active runs of a home. */
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** Kind of launcher. @defaultValue 'subprocess' */
  readonly source?: Source;
  /** Ids that the run carries. */
  readonly owner?: Partial<Owner>;
  /** Called with all of its output as it comes, from the first byte on. If it throws, the run is stopped, and whoever waits for that is told. */
  readonly onOutput?: OutputListener;
}

export type OutputListener = (bytes: Uint8Array, stream: OutputStreamName) => void;

export interface RunToEndOptions extends StartOptions {
  /** Written to its standard input, which then ends. @defaultValue nothing */
  readonly input?: string | Uint8Array;
}

/** Processes by id, each with its whole tree. */
export interface Service extends AsyncDisposable {
  /**
   * Starts a command; resolves when it runs. Its standard input stays open until {@link Service.closeInput}.
   * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, FOLDER_NOT_FOUND, RUN_EXISTS, LOCKED_OUT …, USAGE when the service is closed: nothing
   *   is running then
   */
  start(options: StartOptions): Promise<ServiceRun>;
  /**
   * Runs a command to its end and resolves with its combined output, in the order in which it was written; of it the newest bytes up to the
   * ring's capacity are kept. Like every run it stays in the list, with its output, until it is removed.
   * @throws what {@link Service.start} throws; {@link CommandFailed} (COMMAND_FAILED) with that output unless it exited 0; the signal's
   *   reason when that was aborted
   */
  run(options: RunToEndOptions): Promise<string>;
  /** @throws RUN_NOT_FOUND, as all that follow */
  get(id: RunId): ServiceRun;
  /** All runs, by start. */
  list(): readonly ServiceRun[];
  /** Those that have not ended, by start. */
  running(): readonly ServiceRun[];
  /**
   * Ends the whole tree: TERM, after the grace KILL, and the proof. Asked for again meanwhile it is the same stop, with the shorter grace.
   * @throws RUN_ENDED; USAGE for a grace that is no time
   */
  kill(id: RunId, options?: { readonly graceMs?: number }): Promise<Receipt>;
  /**
   * Sends a signal to the command alone, by name (`HUP`, `SIGUSR1`); `0` probes.
   * @throws SIGNAL_REFUSED for KILL and STOP, RUN_ENDED; RUN_NOT_RUNNING when the command is dead and its tree is being swept
   */
  signal(id: RunId, signal: string): void;
  /** Writes to its standard input; resolves when its pipe has taken all of it. @throws STDIN_CLOSED, RUN_ENDED */
  input(id: RunId, data: string | Uint8Array): Promise<void>;
  /** Its standard input ends. @throws STDIN_CLOSED, RUN_ENDED */
  closeInput(id: RunId): Promise<void>;
  /**
   * Waits until its tree is empty and its output is read. A process that left the tree with the output still open does not hold it up.
   * @throws SURVIVORS when a process outlived every signal, SHIM_LOST
   */
  wait(id: RunId): Promise<ServiceRun>;
  /** The newest output, up to the ring's capacity, of both streams as they came or of one. */
  output(id: RunId, stream?: OutputStreamName): string;
  /** Forgets a run that has ended; a record in a home stays. @throws RUN_ACTIVE */
  remove(id: RunId): void;
  /** Forgets all that have ended; returns how many. */
  clear(): number;
  /** Calls back with everything that happens from now on; returns what ends it. A listener must not throw. */
  subscribe(listener: (event: ServiceEvent) => void): () => void;
  /** Everything that happens from now on. What is not read yet is kept; the loop ends with the service. */
  events(): AsyncIterableIterator<ServiceEvent>;
  /**
   * Stops every run that is not detached, those that are just being started too, verified, and lets go of the rest: who waits for one of
   * these is told nothing more. Nothing is started from then on.
   */
  close(): Promise<void>;
}

export interface ServiceOptions {
  /** Bytes of output kept per run, for both streams together and for each: a whole number above 0. @defaultValue 1 MiB */
  readonly outputBytes?: number;
}
