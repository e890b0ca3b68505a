import type { Writable } from 'node:stream';
import { ReeveError } from '../errors.ts';

/** Standard input of a run, as far as it is reeve's to write to. */
export class RunInput {
  #stream: Writable | null = null;

  /** @param stream null: the command was started without, or has its caller's */
  constructor(stream: Writable | null) {
    this.connect(stream);
  }

  /** From now on it is the input of this command: of the next attempt, when the last has ended. */
  connect(stream: Writable | null): void {
    this.#stream = stream;
    // A command that does not read is an answer to whoever sends, not a failure of the shim.
    stream?.on('error', () => {});
  }

  /** Resolves when the pipe has taken all of it, which a command that does not read can delay for ever. @throws STDIN_CLOSED */
  async write(bytes: Uint8Array): Promise<void> {
    const stream = this.#open();
    if (bytes.length === 0) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    stream.write(bytes, (error) => (error ? reject(closed('the command has closed it', error)) : resolve()));
    await promise;
  }

  /** The command then reads the end of its input. @throws STDIN_CLOSED */
  async close(): Promise<void> {
    const stream = this.#open();
    const { promise, resolve } = Promise.withResolvers<void>();
    stream.once('close', resolve);
    stream.end(resolve);
    await promise;
  }

  #open(): Writable {
    if (this.#stream === null) throw closed('it was started without one (`reeve start --stdin` keeps it open)');
    if (!this.#stream.writable) throw closed('it was closed before');
    return this.#stream;
  }
}

function closed(why: string, cause?: unknown): ReeveError {
  return new ReeveError('STDIN_CLOSED', `nothing can be written to the standard input of the run: ${why}`, { cause });
}
