import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import type { ProcessTable } from '../../processes/ports.ts';
import type { RegisterRequest } from '../../runs/registration.ts';
import { SOURCES } from '../../runs/record.ts';
import { toRunJson } from '../../runs/view.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { openRegistry } from '../open-registry.ts';
import { defineOwnerOptions, type OwnerOptions } from '../owner-options.ts';
import { wholeNumber } from '../whole-number.ts';
import { ownerOf, pairs, sourceOf } from '../run-options.ts';

interface RegisterOptions extends OwnerOptions {
  readonly pid?: string;
  readonly startTicks?: string;
  readonly id?: string;
  readonly name?: string;
  readonly label: readonly string[];
  readonly source: string;
  readonly cwd?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];
  return defineOwnerOptions(command)
    .usage('[options] [-- <command> [args...]]')
    .argument('[command...]', 'what runs, or is about to; a process that runs already can tell')
    .option('--pid <pid>', 'a process that runs already; without it the run is "starting"')
    .option('--start-ticks <ticks>', 'when that process was started: refuse if it is another by now')
    .option('--source <source>', `kind of launcher: ${SOURCES.join(', ')}`, 'subprocess')
    .option('--id <id>', 'id to give it: run_ and a ULID')
    .option('--name <name>', 'name to find the run by; unique among active runs')
    .option('--label <key=value>', 'label for scopes (repeatable)', collect, [])
    .option('--cwd <folder>', 'absolute folder that it works in')
    .option('--json', 'print the run, with the environment that marks its processes')
    .addHelpText(
      'after',
      '\nPrints the id. Whoever called this command speaks for the run: `reeve checkpoint` and `reeve finish` say the rest.',
    )
    .action(async (words: readonly string[], options: RegisterOptions) => {
      await using workplace = openWorkplace(io.env);
      const { table } = await workplace.processes();
      const registry = await openRegistry(workplace, { callerPid: process.ppid, io });
      const { id, env } = await registry.register(requestOf(words, options, { table, cwd: io.cwd }));
      const [record] = await registry.list({ ids: [id] });
      const run = record === undefined ? { id } : toRunJson(record, null);
      emit(io, options, { ...run, env }, () => `${id}\n`);
    });
}

function requestOf(
  words: readonly string[],
  options: RegisterOptions,
  { table, cwd }: { readonly table: ProcessTable; readonly cwd: string },
): RegisterRequest {
  const pid = options.pid === undefined ? null : wholeNumber('--pid', options.pid);
  const seen = pid === null ? null : table.details(pid);
  const [command, ...args] = words.length > 0 ? words : (seen?.argv ?? []);
  if (command === undefined)
    throw new ReeveError('USAGE', 'what runs is not known', { hint: 'Name it after --: reeve register -- make test' });
  return {
    command,
    args,
    cwd: options.cwd ?? seen?.cwd ?? cwd,
    source: sourceOf(options.source),
    owner: ownerOf(options),
    labels: pairs('--label', options.label),
    ...(pid !== null && { pid }),
    ...(options.startTicks !== undefined && { startTicks: wholeNumber('--start-ticks', options.startTicks) }),
    ...(options.id !== undefined && { id: options.id }),
    ...(options.name !== undefined && { name: options.name }),
  };
}
