import type { Command } from 'commander';
import type { Checkpoint } from '../../runs/checkpoint.ts';
import type { RunStateName } from '../../runs/record.ts';
import { toRunJson } from '../../runs/view.ts';
import { findRun } from '../find-run.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { openRegistry } from '../open-registry.ts';
import { defineOwnerOptions, type OwnerOptions } from '../owner-options.ts';
import { wholeNumber } from '../whole-number.ts';
import { ownerOf } from '../run-options.ts';

interface CheckpointOptions extends OwnerOptions {
  readonly pid?: string;
  readonly startTicks?: string;
  readonly state?: string;
  readonly note?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return defineOwnerOptions(command)
    .argument('<run>', 'id, unique prefix or name')
    .option('--pid <pid>', 'the process that it is now')
    .option('--start-ticks <ticks>', 'when that process was started: refuse if it is another by now')
    .option('--state <state>', 'the state it is in now: running, interrupting, stopping or paused')
    .option('--note <text>', 'a text to keep on the record')
    .option('--json', 'print the run')
    .action(async (word: string, options: CheckpointOptions) => {
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const { intent } = await findRun(runs, word);
      const registry = await openRegistry(workplace, { callerPid: process.ppid, io });
      const record = await registry.checkpoint(intent.id, changeOf(options));
      emit(io, options, toRunJson(record, null), () => '');
    });
}

function changeOf(options: CheckpointOptions): Checkpoint {
  const { pid, startTicks, state, note } = options;
  const given = Object.entries(ownerOf(options)).filter(([, value]) => value !== null);
  return {
    ...(given.length > 0 && { owner: Object.fromEntries(given) }),
    ...(pid !== undefined && { pid: wholeNumber('--pid', pid) }),
    ...(startTicks !== undefined && { startTicks: wholeNumber('--start-ticks', startTicks) }),
    // Whether there is such a state is for the registry to say.
    ...(state !== undefined && { state: state as RunStateName }),
    ...(note !== undefined && { error: note }),
  };
}
