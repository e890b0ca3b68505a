import type { ClaimPorts } from '../claims/acquire.ts';
import type { Holder } from '../claims/claim.ts';
import type { ClaimPlace } from '../claims/ports.ts';
import { claimsOfRuns } from '../claims/release-run.ts';
import { runsOf } from '../claims/see-tree.ts';
import { findWorkers } from '../claims/workers.ts';
import { ReeveError } from '../errors.ts';
import { placeOf } from '../host/git-place.ts';
import { identityIn, type Identity } from '../processes/identity.ts';
import type { FoundProcess } from '../processes/kill.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import type { RunClaims } from '../runs/run-claims.ts';
import { wireClaims } from '../wire-claims.ts';
import { errorText } from './error-text.ts';
import { resolveTyped, type CliIo } from './io.ts';
import type { Workplace } from './open.ts';

/** What the commands about claims work with. */
export async function openClaims(workplace: Workplace): Promise<ClaimPorts> {
  const [{ claims: rows }, processes] = await Promise.all([workplace.store(), workplace.processes()]);
  return wireClaims({ processes, clock: workplace.clock, rows, spare: workplace.paths.claimsDir });
}

/** The claims of runs that a command ends; on stderr it says whose could not be made to name who survived, and why. */
export async function openRunClaims(workplace: Workplace, io: Pick<CliIo, 'err'>): Promise<RunClaims> {
  return claimsOfRuns(await openClaims(workplace), (error) => io.err(errorText(error)));
}

/** The place of the folder that was typed, or of the one that reeve is called from. @throws FOLDER_NOT_FOUND, USAGE */
export function placeTyped({ files }: ClaimPorts, folder: string | undefined, io: CliIo): ClaimPlace {
  return files.placeOf(folder === undefined ? io.cwd : resolveTyped(io, folder));
}

/** Ids of the runs that this command is part of, the outermost first. */
export function runsAround(io: CliIo): readonly string[] {
  return runsOf(io.env[COOKIE_VARIABLE] ?? '');
}

/**
 * A process that holds a claim by hand.
 * @throws USAGE when there is no such process
 */
export function handHolder({ table, host, uid }: ClaimPorts, pid: number): Holder {
  const row = table.read(pid);
  if (row === null) throw new ReeveError('USAGE', `there is no process ${pid}`, { where: '--pid' });
  return { runId: null, process: identityIn(table.realm, row), leader: null, host, uid, label: row.comm };
}

/** What works in a worktree for an agent or a run, without this command itself. */
export function workersIn(ports: ClaimPorts, { worktree }: ClaimPlace): readonly FoundProcess[] {
  const ours = new Set(callers(ports).map(({ pid }) => pid));
  const worktreeOf = (folder: string): string | null => placeOf(folder).worktree;
  return findWorkers({ table: ports.table, worktreeOf }, worktree).filter(({ identity }) => !ours.has(identity.pid));
}

/** This process and everything that it descends from. */
export function callers({ table }: ClaimPorts): readonly Identity[] {
  const found: Identity[] = [];
  for (let row = table.read(process.pid); row !== null && row.pid > 1; row = table.read(row.ppid))
    found.push(identityIn(table.realm, row));
  return found;
}
