import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import type { Client } from '../../ipc/client.ts';
import { isTerminal } from '../../runs/lifecycle.ts';
import type { RunId, RunRecord } from '../../runs/record.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { connectToShim } from '../shim-client.ts';

/** What goes into one message: in base64 it stays well below the longest frame of 1 MiB. */
const CHUNK_BYTES = 256 * 1024;
/** A command may take its time to read: whoever sends waits as `cat` into a pipe does. As long as a timer can be, 24 days. */
const PATIENCE_MS = 2 ** 31 - 1;

interface SendOptions {
  readonly close?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name of a background run')
    .argument('[text...]', 'one line to write; without it, what comes on standard input is written')
    .option('--close', 'close its standard input afterwards; on a terminal, without asking for text')
    .option('--json', 'print {runId, bytes, closed}')
    .action(async (word: string, words: readonly string[], options: SendOptions) => {
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent, current } = await findRun(runs, word);
      assertRunning({ intent, current });
      const shim = await connectToShim(workplace.paths, intent.id);
      if (shim === null) throw shimLost(intent.id);
      const close = options.close === true;
      try {
        const bytes = await sendAll(shim, intent.id, contentOf(io, words, close));
        if (close) await send(shim, intent.id, { data: new Uint8Array(), close });
        emit(io, options, { runId: intent.id, bytes, closed: close }, () => '');
      } finally {
        shim.close();
      }
    });
}

async function* contentOf(io: CliIo, words: readonly string[], close: boolean): AsyncGenerator<Uint8Array> {
  if (words.length > 0) yield Buffer.from(`${words.join(' ')}\n`);
  else if (!(close && io.stdinIsTerminal)) yield* io.input();
}

/** Resolves to the bytes that the command's pipe has taken. */
async function sendAll(shim: Client, runId: RunId, content: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const chunk of content) {
    for (let start = 0; start < chunk.length; start += CHUNK_BYTES) {
      const data = chunk.subarray(start, start + CHUNK_BYTES);
      await send(shim, runId, { data, close: false });
      bytes += data.length;
    }
  }
  return bytes;
}

async function send(
  shim: Client,
  runId: RunId,
  { data, close }: { readonly data: Uint8Array; readonly close: boolean },
): Promise<void> {
  await shim.call('send', { runId, data: Buffer.from(data).toString('base64'), close }, { timeoutMs: PATIENCE_MS });
}

/** @throws RUN_NOT_RUNNING, STDIN_CLOSED */
function assertRunning({ intent: { id, background }, current }: Pick<RunRecord, 'intent' | 'current'>): void {
  if (isTerminal(current.state))
    throw new ReeveError('RUN_NOT_RUNNING', `run ${id} has ended (${current.state})`, {
      where: id,
      hint: `reeve inspect ${id}`,
    });
  if (!background)
    throw new ReeveError('STDIN_CLOSED', `run ${id} is in the foreground: its standard input is its caller's`, {
      where: id,
      hint: '`reeve start` makes runs that `reeve send` can write to.',
    });
}

function shimLost(id: RunId): ReeveError {
  return new ReeveError('SHIM_LOST', `the shim of run ${id} does not answer`, {
    where: id,
    hint: '`reeve doctor` shows whether it lives',
  });
}
