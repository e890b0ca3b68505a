import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import type { RunId, RunRecord } from '../../runs/record.ts';
import { assertNotEnded } from '../../runs/run-ended.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { closeInput, connectToShim, sendInput } from '../../ipc/shim-client.ts';

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
      const record = await findRun(runs, word);
      assertWritable(record);
      const { intent } = record;
      const shim = await connectToShim(workplace.paths, intent.id);
      if (shim === null) throw shimLost(intent.id);
      const close = options.close === true;
      try {
        let bytes = 0;
        for await (const chunk of contentOf(io, words, close)) {
          await sendInput(shim, intent.id, chunk);
          bytes += chunk.length;
        }
        if (close) await closeInput(shim, intent.id);
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

/** @throws RUN_ENDED, STDIN_CLOSED */
function assertWritable(record: RunRecord): void {
  assertNotEnded(record);
  const { id, background } = record.intent;
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
