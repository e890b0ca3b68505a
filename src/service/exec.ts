import { ReeveError, type ErrorCode } from '../errors.ts';
import type { RunId } from '../runs/record.ts';
import { CommandFailed } from './command-failed.ts';
import type { OutputStreamName } from './events.ts';
import type { ServiceRun } from './service-run.ts';
import type { OutputListener, Service } from './service.ts';

/** Where a command's output goes: a writable stream of Node, or anything with this one method. */
export interface ByteSink {
  /** What it throws ends the command; a promise is waited for at its end. Either failure is told to whoever waits for the command. */
  write(bytes: Uint8Array): unknown;
}

/** Input of a command: text, bytes, or a stream of bytes. */
export type ExecInput = string | Uint8Array | AsyncIterable<Uint8Array>;

/** Told when a command is started, and when it has failed. */
export interface ExecLogger {
  debug(message: string, fields: ExecFields): void;
  error(message: string, fields: ExecFields & { readonly error: string }): void;
}

/** Secrets are redacted. */
export interface ExecFields {
  readonly command: string;
  readonly args: readonly string[];
}

/** A command that was started and not waited for. */
export interface StartedExec {
  readonly id: RunId;
  readonly pid: number;
  /** @throws {@link CommandFailed} unless it exits 0 */
  wait(): Promise<void>;
  /** Ends its whole tree, verified. When it is over already, nothing is done. */
  kill(): Promise<void>;
}

/** Describes a command. Each method gives a new description, so that one can be kept and varied. */
export interface ExecCommand {
  /** Folder to run in. @defaultValue this program's */
  dir(folder: string): ExecCommand;
  /** Adds variables to this program's environment. */
  env(variables: Readonly<Record<string, string>>): ExecCommand;
  /** @defaultValue an input that ends at once */
  stdin(input: ExecInput): ExecCommand;
  /** @defaultValue nowhere */
  stdout(sink: ByteSink): ExecCommand;
  /** @defaultValue nowhere */
  stderr(sink: ByteSink): ExecCommand;
  /** @defaultValue silent */
  logger(logger: ExecLogger): ExecCommand;
  /** Lets it outlive this program: it is then a background run in the user's home, and its output is recorded there. */
  background(): ExecCommand;
  /** Starts it and returns. @throws what keeps a command from being started */
  start(): Promise<StartedExec>;
  /** Runs it to its end. @throws {@link CommandFailed} unless it exits 0 */
  run(): Promise<void>;
  /** Runs it and gives all of its stdout as text. @throws {@link CommandFailed} */
  output(): Promise<string>;
  /** Runs it and gives all of stdout and stderr: in the order in which they were written unless either has a sink. @throws {@link CommandFailed} */
  combinedOutput(): Promise<string>;
  /** Runs it, with its output kept back; what it said on stderr is in the message of the failure. @throws {@link CommandFailed} */
  runQuiet(): Promise<void>;
}

interface Description {
  readonly command: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: ExecInput;
  readonly sinks: Readonly<Record<OutputStreamName, ByteSink | null>>;
  readonly logger: ExecLogger;
  readonly background: boolean;
}

/** What a write comes back with when the command is past reading. */
const OVER: readonly ErrorCode[] = ['STDIN_CLOSED', 'RUN_ENDED', 'RUN_NOT_FOUND'];

const SILENT: ExecLogger = { debug: () => {}, error: () => {} };

/** @param service opened at the first start */
export function createExec(service: () => Service): (command: string, ...args: readonly string[]) => ExecCommand {
  return (command, ...args) =>
    build(service, {
      command,
      args,
      dir: '.',
      env: {},
      stdin: '',
      sinks: { stdout: null, stderr: null },
      logger: SILENT,
      background: false,
    });
}

function build(service: () => Service, it: Description): ExecCommand {
  const but = (change: Partial<Description>): ExecCommand => build(service, { ...it, ...change });
  const sink = (stream: OutputStreamName, to: ByteSink): ExecCommand => but({ sinks: { ...it.sinks, [stream]: to } });
  const toEnd = async (tap: OutputListener | null, options: { readonly merge?: boolean } = {}): Promise<void> =>
    (await Exec.start(service(), it, { tap, ...options })).wait();
  return {
    dir: (dir) => but({ dir }),
    env: (variables) => but({ env: { ...it.env, ...variables } }),
    stdin: (stdin) => but({ stdin }),
    stdout: (to) => sink('stdout', to),
    stderr: (to) => sink('stderr', to),
    logger: (logger) => but({ logger }),
    background: () => but({ background: true }),
    start: () => Exec.start(service(), it, { tap: null }),
    run: () => toEnd(null),
    async output() {
      const all = new Collected('stdout');
      await toEnd((bytes, stream) => all.take(bytes, stream));
      return all.text();
    },
    async combinedOutput() {
      const all = new Collected(null);
      await toEnd((bytes, stream) => all.take(bytes, stream), { merge: true });
      return all.text();
    },
    async runQuiet() {
      const said = new Collected('stderr');
      const quiet = { ...it, sinks: { stdout: null, stderr: null } };
      const started = await Exec.start(service(), quiet, { tap: (bytes, stream) => said.take(bytes, stream) });
      try {
        await started.wait();
      } catch (error) {
        if (!(error instanceof CommandFailed)) throw error;
        throw new CommandFailed(error.run, error.output, said.text().trim());
      }
    },
  };
}

class Exec implements StartedExec {
  readonly id: RunId;
  readonly pid: number;
  readonly #service: Service;
  readonly #done: Promise<void>;
  readonly #written: () => Promise<unknown>;
  #brokenInput: { readonly cause: unknown } | null = null;

  private constructor(service: Service, run: ServiceRun, it: Description, written: () => Promise<unknown>) {
    this.id = run.id;
    this.pid = run.pid;
    this.#service = service;
    this.#written = written;
    this.#done = this.#finish(it);
    // Whoever waits is told; nobody has to wait.
    this.#done.catch(() => {});
  }

  static async start(
    service: Service,
    it: Description,
    { tap, merge = false }: { readonly tap: OutputListener | null; readonly merge?: boolean },
  ): Promise<Exec> {
    const { command, args, dir: cwd, env, sinks, background: detach } = it;
    let written: Promise<unknown> = Promise.resolve();
    const run = await service.start({
      command,
      args,
      cwd,
      env,
      detach,
      // A sink of one stream must not get the other's.
      merge: merge && sinks.stdout === null && sinks.stderr === null,
      capture: tap !== null || sinks.stdout !== null || sinks.stderr !== null,
      onOutput(bytes, stream) {
        const taken = sinks[stream]?.write(bytes);
        if (taken instanceof Promise) written = bothOf(written, taken);
        tap?.(bytes, stream);
      },
    });
    it.logger.debug('a command was started', { command: run.command, args: run.args });
    return new Exec(service, run, it, () => written);
  }

  wait(): Promise<void> {
    return this.#done;
  }

  async kill(): Promise<void> {
    try {
      await this.#service.kill(this.id);
    } catch (error) {
      if (!isOver(error)) throw error;
    }
  }

  async #finish({ stdin, logger }: Description): Promise<void> {
    // Not waited for: the input may have more to give when the command is over.
    void this.#feed(stdin);
    try {
      const run = await this.#service.wait(this.id);
      if (this.#brokenInput !== null) throw this.#brokenInput.cause;
      if (run.state === 'completed') return void (await this.#written());
      const failure = new CommandFailed(run, this.#service.output(this.id));
      logger.error('a command has failed', { command: run.command, args: run.args, error: failure.message });
      throw failure;
    } finally {
      this.#forget();
    }
  }

  /** A command that ends without reading its input has not failed for that. An input that fails ends the command. */
  async #feed(input: ExecInput): Promise<void> {
    try {
      if (typeof input === 'string' || input instanceof Uint8Array) await this.#service.input(this.id, input);
      else for await (const bytes of input) await this.#service.input(this.id, bytes);
      await this.#service.closeInput(this.id);
    } catch (error) {
      if (isOver(error)) return;
      this.#brokenInput = { cause: error };
      // How that went shows in the end of the run.
      await this.#service.kill(this.id).catch(() => {});
    }
  }

  /** One that survived every signal stays in the service's list. */
  #forget(): void {
    try {
      this.#service.remove(this.id);
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
    }
  }
}

function isOver(error: unknown): boolean {
  return error instanceof ReeveError && OVER.includes(error.code);
}

/** All that a command says, on one stream or on both. */
class Collected {
  readonly #only: OutputStreamName | null;
  readonly #decoder = new TextDecoder();
  readonly #parts: string[] = [];

  constructor(only: OutputStreamName | null) {
    this.#only = only;
  }

  take(bytes: Uint8Array, stream: OutputStreamName): void {
    if (this.#only === null || this.#only === stream) this.#parts.push(this.#decoder.decode(bytes, { stream: true }));
  }

  text(): string {
    return this.#parts.join('') + this.#decoder.decode();
  }
}

/** Told together, by whoever waits for them in the end. */
function bothOf(before: Promise<unknown>, after: Promise<unknown>): Promise<unknown> {
  const both = Promise.all([before, after]);
  both.catch(() => {});
  return both;
}
