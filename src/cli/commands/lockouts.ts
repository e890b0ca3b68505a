import type { Command } from 'commander';
import type { CorruptLockout } from '../../host/lockout-folder.ts';
import { resolvePaths } from '../../host/paths.ts';
import { isExpired } from '../../limits/covering.ts';
import { plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openLockouts } from '../lockout-store.ts';
import { renderLockouts, toLockoutJson } from '../lockout-view.ts';
import { openWorkplace } from '../open.ts';
import { toldZone } from '../usage-settings.ts';

interface JsonOption {
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  command
    .command('path')
    .summary('the folder of the readable lockout files')
    .option('--json', 'print {path}')
    .action((_: unknown, sub: Command) => {
      const path = resolvePaths(io.env).lockoutsDir;
      emit(io, sub.optsWithGlobals<JsonOption>(), { path }, () => `${path}\n`);
    });

  command
    .command('repair')
    .summary('set corrupt or altered lockout files aside and write them anew from the store; unlocks nothing')
    .option('--json', 'print {repaired}')
    .action(async (_: unknown, repair: Command) => {
      await using workplace = openWorkplace(io.env);
      const repaired = await (await openLockouts(workplace, io)).repair();
      emit(io, repair.optsWithGlobals<JsonOption>(), { repaired }, () =>
        repaired.length === 0
          ? 'no lockout file is corrupt\n'
          : repaired
              .map(({ path, movedTo, rewritten }) => {
                const outcome = rewritten ? 'written anew from the store' : 'no lockout stands behind it';
                return `${path}: ${outcome}; the old content is in ${movedTo}\n`;
              })
              .join(''),
      );
    });

  return command.option('--json', 'print {lockouts, corrupt}').action(async (options: JsonOption) => {
    await using workplace = openWorkplace(io.env);
    const store = await openLockouts(workplace, io);
    const now = workplace.clock.now();
    const lockouts = (await store.list()).filter((lockout) => !isExpired(lockout, now));
    const corrupt = await store.corrupt();
    const { color, columns: width } = io;
    const timeZone = await toldZone(workplace.paths, io.env);
    emit(io, options, { lockouts: lockouts.map(toLockoutJson), corrupt }, () =>
      renderLockouts(lockouts, { color, width, timeZone }),
    );
    if (options.json !== true) for (const problem of corrupt) io.err(corruptText(problem));
  });
}

function corruptText({ path, error }: CorruptLockout): string {
  return `reeve: ${plain(`${path}: ${error}`)}\n  \`reeve lockouts repair\` sets it aside and writes it anew from the store\n`;
}
