import { ReeveError } from '../errors.ts';
import { formatDuration } from '../limits/duration.ts';
import { faceOf, type Claim, type ClaimRecord, type Waiter } from './claim.ts';
import type { ClaimPlace, ClaimReading } from './ports.ts';
import type { AcquireDecision } from './protocol.ts';
import { plain } from '../plain.ts';
import { shellWord } from '../shell-word.ts';

/** Why a worktree cannot be had. */
export type Refusal = Extract<AcquireDecision, { kind: 'refused' | 'queued' }>;

/** Who holds a worktree, for people: `run run_… (claude, PID 12 on host) since 2026-11-21 07:00:00 UTC (3m)`. */
export function describeHolder({ holder, session, acquiredAt }: Claim, now: number): string {
  const { runId, label, host } = holder;
  const who = runId === null ? label : `run ${runId} (${label}`;
  const where = `PID ${faceOf(holder).pid} on ${host}`;
  const of = session === null ? '' : `, session ${plain(session)}`;
  const since = new Date(acquiredAt).toISOString().slice(0, 19).replace('T', ' ');
  return `${runId === null ? `${who} (${where}` : `${who}, ${where}`}${of}) since ${since} UTC (${age(now - acquiredAt)})`;
}

/** Why a worktree cannot be had now, in one line. */
export function describeRefusal(place: ClaimPlace, refusal: Refusal, now: number): string {
  if (refusal.kind === 'queued') return `${place.worktree} is free, and ${describeWaiter(refusal.first)} waits for it`;
  const plight = refusal.state === 'orphaned' ? `; ${refusal.why}` : '';
  return `${place.worktree} is claimed by ${describeHolder(refusal.claim, now)}${plight}`;
}

/** The home that a run is on record in: the asker's own, or else what can be told of it: its folder, and the PID of its shim while that lives. */
export type HomeOfRun = 'ours' | { readonly reeveHome: string | null; readonly shim: number | null };

/** Who is told that a worktree is held. */
export interface Asker {
  /** Epoch ms. */
  readonly now: number;
  readonly home: HomeOfRun;
}

/** @returns CLAIM_HELD, naming the holder, since when, and what can be done */
export function claimHeld(place: ClaimPlace, refusal: Refusal, { now, home }: Asker): ReeveError {
  return new ReeveError('CLAIM_HELD', describeRefusal(place, refusal, now), {
    where: place.worktree,
    hint: hintFor(refusal, home),
  });
}

/** @returns CLAIM_HELD by somebody whom the claim's file does not name, or not yet */
export function claimUnclear({ worktree, file }: ClaimPlace): ReeveError {
  return new ReeveError('CLAIM_HELD', `somebody was given the claim on ${worktree}, and its file does not say whom`, {
    where: file,
    hint: 'Another machine died while it wrote, or this one sees an old state of the file system; `reeve release --force` when you know that nothing works there.',
  });
}

/** @returns CLAIM_NOT_HELD for an owner who is none any more */
export function claimNotHeld(place: ClaimPlace, { claim }: ClaimRecord, now: number): ReeveError {
  const by = claim === null ? 'nobody holds it' : `it is ${describeHolder(claim, now)} that holds it`;
  return new ReeveError('CLAIM_NOT_HELD', `the claim on ${place.worktree} is not yours: ${by}`, {
    where: place.worktree,
    hint: 'It was broken or has passed on: stop working there, or claim it again.',
  });
}

/** @returns PERMISSION_DENIED for a claim that lies in a file which is not written from here */
export function claimApart({ worktree, otherFiles }: ClaimPlace): ReeveError {
  return new ReeveError('PERMISSION_DENIED', `the claim on ${worktree} lies where this user writes none`, {
    where: otherFiles.join(', '),
    hint: 'Check who owns the folder, and act as that user.',
  });
}

/** @returns the error that kept the survivors of a stop out of a claim, with what that means; its code, place and remedy stay */
export function survivorsUnclaimed(folder: string, error: ReeveError): ReeveError {
  const { code, message, where, hint } = error;
  return new ReeveError(code, `the claim on ${folder} does not say who survived: ${message}`, {
    where: where ?? folder,
    ...(hint !== null && { hint }),
    cause: error,
  });
}

/** @returns CLAIM_CORRUPT with the command that repairs it */
export function claimCorrupt(
  { worktree }: ClaimPlace,
  { file, error }: Extract<ClaimReading, { kind: 'corrupt' }>,
): ReeveError {
  return new ReeveError(
    'CLAIM_CORRUPT',
    `the claim on ${worktree} cannot be read, so nobody knows who holds it: ${error}`,
    {
      where: file,
      hint: `\`reeve claims repair ${shellWord(worktree)}\` sets the file aside when nothing of a run works there.`,
    },
  );
}

function hintFor(refusal: Refusal, home: HomeOfRun): string {
  if (refusal.kind === 'queued') return 'Queue behind it with `--wait 5m`, or share the worktree with `--shared`.';
  const { runId } = refusal.claim.holder;
  const end = runId === null ? '`reeve release --force` breaks the claim' : endOf(runId, home);
  if (refusal.state === 'held') return `Wait with \`--wait 5m\`, share the worktree with \`--shared\`; ${end}.`;
  return runId === null
    ? `${end}.`
    : `${end}; \`reeve release --force\` breaks the claim when you know that nothing lives.`;
}

/** A stop that finds the run: each home knows its own runs only. */
function endOf(runId: string, home: HomeOfRun): string {
  const stop = `reeve stop ${runId}`;
  if (home === 'ours') return `\`${stop}\` ends it`;
  if (home.reeveHome !== null) return `\`REEVE_HOME=${shellWord(home.reeveHome)} ${stop}\` ends it`;
  const kill = home.shim === null ? '' : `, and so does \`kill ${home.shim}\`, its shim`;
  return `\`${stop}\` with its own REEVE_HOME ends it${kill}`;
}

function describeWaiter({ process, host }: Waiter): string {
  return `PID ${process.pid} on ${host}`;
}

function age(ms: number): string {
  return ms < 1_000 ? 'now' : formatDuration(Math.floor(ms / 1_000) * 1_000);
}
