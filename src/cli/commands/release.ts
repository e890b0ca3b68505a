import type { Command } from 'commander';
import { describeHolder } from '../../claims/claim-errors.ts';
import { CLAIM_VARIABLE, type Claim } from '../../claims/claim.ts';
import { forceRelease, readClaim, releaseClaim } from '../../claims/inspect.ts';
import type { ClaimPlace } from '../../claims/ports.ts';
import { ReeveError } from '../../errors.ts';
import { sameIdentity } from '../../processes/identity.ts';
import { findInWorktree } from '../../processes/kill.ts';
import { placeOf } from '../../host/git-place.ts';
import { callers, openClaims, placeTyped } from '../claim-ports.ts';
import { plain } from '../format.ts';
import { emit, type CliIo } from '../io.ts';
import { openWorkplace } from '../open.ts';

interface ReleaseOptions {
  readonly token?: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[folder]', 'any folder of the worktree; the current one without it')
    .option('--token <token>', `the claim's token; ${CLAIM_VARIABLE} without it`)
    .option('--force', 'break the claim, whoever holds it; ends no process')
    .option('--json', 'print {released, worktree, holder, living}')
    .action(async (folder: string | undefined, options: ReleaseOptions) => {
      await using workplace = openWorkplace(io.env);
      const ports = await openClaims(workplace);
      const place = placeTyped(ports, folder, io);
      const now = workplace.clock.now();
      if (options.force === true) {
        // Looked at before, so that it is told also when the claim cannot be written.
        const living = livingIn(place, ports.table);
        const broken = await forceRelease(ports, place);
        const holder = broken === null ? null : describeHolder(broken, now);
        emit(io, options, { released: broken !== null, worktree: place.worktree, holder, living }, () =>
          broken === null
            ? 'nothing was claimed there\n'
            : `broke the claim of ${plain(holder ?? '')}\n${livingText(living)}`,
        );
        return;
      }
      const view = await readClaim(ports, place);
      if (view.state === 'corrupt') throw view.error;
      if (view.state === 'free') {
        emit(
          io,
          options,
          { released: false, worktree: place.worktree, holder: null, living: [] },
          () => 'nothing is claimed there\n',
        );
        return;
      }
      const { claim } = view;
      const token = options.token ?? io.env[CLAIM_VARIABLE];
      const isCallers = callers(ports).some((caller) => sameIdentity(caller, claim.holder.process));
      const isTokens = token === String(view.token);
      if (claim.holder.runId !== null && view.state !== 'stale') throw runsClaim(place, claim, now);
      if (view.state !== 'stale' && !isCallers && !isTokens) throw notOurs(place, claim, now);
      const released = await releaseClaim(ports, place, claim);
      emit(io, options, { released, worktree: place.worktree, holder: describeHolder(claim, now), living: [] }, () =>
        released ? `gave back ${place.worktree}\n` : 'it has passed to another meanwhile\n',
      );
    });
}

/** A run's claim follows its tree, and is given back when that is empty. */
function runsClaim({ worktree }: ClaimPlace, claim: Claim, now: number): ReeveError {
  const { runId } = claim.holder;
  return new ReeveError(
    'CLAIM_NOT_HELD',
    `${worktree} is held by ${describeHolder(claim, now)} until its tree is empty`,
    {
      where: worktree,
      hint: `\`reeve stop ${String(runId)}\` ends the run; \`reeve release --force\` breaks the claim and ends nothing.`,
    },
  );
}

function notOurs({ worktree }: ClaimPlace, claim: Claim, now: number): ReeveError {
  return new ReeveError('CLAIM_NOT_HELD', `${worktree} is held by ${describeHolder(claim, now)}`, {
    where: worktree,
    hint: 'Give its token with --token, or break it with --force.',
  });
}

/** What works in a worktree whose claim is broken. */
interface Living {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
  readonly kind: string | null;
}

function livingIn({ worktree }: ClaimPlace, table: Parameters<typeof findInWorktree>[0]['table']): readonly Living[] {
  const worktreeOf = (folder: string): string | null => placeOf(folder).worktree;
  return findInWorktree({ table, worktreeOf }, worktree)
    .filter(({ identity }) => identity.pid !== process.pid)
    .map(({ identity: { pid, startTicks }, comm, kind }) => ({ pid, startTicks, comm, kind }));
}

function livingText(living: readonly Living[]): string {
  if (living.length === 0) return 'nothing lives there\n';
  return living.map(({ pid, comm, kind }) => `still lives there: PID ${pid} ${plain(kind ?? comm)}\n`).join('');
}
