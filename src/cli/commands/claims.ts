import type { Command } from 'commander';
import { cleanStale, listClaims } from '../../claims/inspect.ts';
import { repairClaim } from '../../claims/repair.ts';
import { describeWorker } from '../../claims/workers.ts';
import { openClaims, placeTyped, workersIn } from '../claim-ports.ts';
import { renderClaims, toClaimJson } from '../claim-view.ts';
import { count } from '../format.ts';
import { cwdIfThere, emit, resolveTyped, type CliIo } from '../io.ts';
import { openWorkplace } from '../open.ts';

interface ClaimsOptions {
  readonly under?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  command
    .command('clean')
    .summary('give back the claims whose trees are proven empty')
    .option('--under <folder>', 'only worktrees below that folder')
    .option('--json', 'print {cleaned}')
    .action(async (_: unknown, clean: Command) => {
      const options = clean.optsWithGlobals<ClaimsOptions>();
      await using workplace = openWorkplace(io.env);
      const ports = await openClaims(workplace);
      const cleaned = await cleanStale(ports, await listClaims(ports, where(options, io)));
      emit(io, options, { cleaned }, () => `${count(cleaned, 'stale claim')} given back\n`);
    });

  command
    .command('repair')
    .summary("set aside a claim's file that cannot be read, when nobody is proven to hold the worktree")
    .argument('[folder]', 'any folder of the worktree; the current one without it')
    .option('--json', 'print {repaired}')
    .action(async (folder: string | undefined, _: unknown, repair: Command) => {
      await using workplace = openWorkplace(io.env);
      const ports = await openClaims(workplace);
      const place = placeTyped(ports, folder, io);
      const workers = async (): Promise<readonly string[]> => workersIn(ports, place).map(describeWorker);
      const repaired = await repairClaim(ports, place, workers);
      emit(io, repair.optsWithGlobals<ClaimsOptions>(), { repaired }, () =>
        repaired === null
          ? 'the claim can be read; nothing is to be repaired\n'
          : `${place.file} was set aside as ${repaired.movedTo}; the worktree is free\n`,
      );
    });

  return command
    .option('--under <folder>', 'only worktrees below that folder')
    .option('--json', 'print {claims}')
    .action(async (options: ClaimsOptions) => {
      await using workplace = openWorkplace(io.env);
      const views = await listClaims(await openClaims(workplace), where(options, io));
      const claims = views.map(toClaimJson).filter((claim) => claim !== null);
      const { color, columns: width } = io;
      emit(io, options, { claims }, () => renderClaims(claims, { color, width }));
    });
}

function where({ under }: ClaimsOptions, io: CliIo): { readonly near: string | null; readonly under?: string } {
  const near = cwdIfThere(io);
  if (near === null)
    io.err('reeve: the folder that reeve is called from is gone: only the claims that this home knows of\n');
  return {
    near,
    ...(under === undefined ? {} : { under: resolveTyped(io, under) }),
  };
}
