import { hostname } from 'node:os';
import { basename } from 'node:path';
import { acquireClaim, type ClaimPorts, type HeldClaim } from '../claims/acquire.ts';
import type { ClaimToken, Holder, Leader, Survivor } from '../claims/claim.ts';
import type { ClaimPlace } from '../claims/ports.ts';
import { claimsOfRuns } from '../claims/release-run.ts';
import { runsOf } from '../claims/see-tree.ts';
import { errorLine } from '../error-line.ts';
import { ReeveError } from '../errors.ts';
import { claimPlaceOf } from '../host/claim-place.ts';
import type { Site } from '../host/git-place.ts';
import type { RunIntent, RunStarted } from '../runs/record.ts';
import type { RunClaims } from '../runs/run-claims.ts';
import { wireClaims } from '../wire-claims.ts';
import { complain } from './messages.ts';
import type { RunRequest } from './request.ts';
import type { ShimWorkplace } from './workplace.ts';

/** How often a sign of life is written where nobody can look for the process itself, in milliseconds. */
const RENEW_MS = 30_000;

/** A command that is over by then is spared the write. */
const ATTACH_AFTER_MS = 50;

/** What a run holds of its worktree. */
export interface RunClaim {
  /** Null: the run shares the worktree with whoever else is there. */
  readonly token: ClaimToken | null;
  /** Says in the claim which process the run's tree begins with, so that others find it too. Does not keep the run waiting. */
  attach(started: RunStarted): void;
  /** Says in the claim who outlived a stop, so that others find them too. Does not keep the run waiting. */
  outlive(survivors: readonly Survivor[]): void;
  /** Gives the worktree back. Never throws: a claim that cannot be given back is found stale by the next who wants it. */
  release(): Promise<void>;
  /**
   * Writes what was still to be written, and nothing after that: the store may be closed then. A claim that was not given back stays. Never
   * throws.
   */
  close(): Promise<void>;
}

/** How a run behaves while it queues. */
export interface QueueManners {
  /** Told who is waited for, and again when that is another. */
  readonly onWait: (line: string) => void;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/** In the foreground it says on stderr what it waits for, and Ctrl-C ends it. */
export const WAIT_ALOUD: QueueManners = { onWait: (line) => complain(`waiting: ${line}`) };

const SHARED: RunClaim = {
  token: null,
  attach: () => {},
  outlive: () => {},
  release: async () => {},
  close: async () => {},
};

/**
 * Claims the worktree of a run that is about to be recorded, if it is to be claimed. A run inside the one that holds it joins that claim.
 * @throws CLAIM_HELD, CLAIM_CORRUPT, PERMISSION_DENIED, STORE_FULL
 */
export async function claimWorktree(
  workplace: ShimWorkplace,
  request: RunRequest,
  intent: RunIntent,
  { site, queue }: { readonly site: Site; readonly queue: QueueManners },
): Promise<RunClaim> {
  if (request.claim === undefined || request.claim === null) return SHARED;
  const place = claimPlaceOf(request.cwd, workplace.paths.claimsDir, site);
  const claim = await acquireClaim(claimPorts(workplace), {
    place,
    holder: holderOf(workplace, request, intent),
    session: request.owner.sessionId,
    insideOf: runsOf(intent.cookie),
    waitMs: request.claim.waitMs,
    ...queue,
  });
  if (place.apart !== null && !claim.joined) complain(apartText(place));
  return runClaim(claim);
}

/** The claims of the runs inside a shim's own, and of those around it. Undefined: the run is on no record that others share. */
export function claimsOfOthers(workplace: ShimWorkplace): RunClaims | undefined {
  return workplace.recorded ? claimsOfRuns(claimPorts(workplace), reportFailure) : undefined;
}

function claimPorts(workplace: ShimWorkplace): ClaimPorts {
  const { clock, store, paths } = workplace;
  return wireClaims({ processes: workplace, clock, rows: store.claims, spare: paths.claimsDir });
}

function holderOf({ self }: ShimWorkplace, { name, command }: RunRequest, { id, agent, mark }: RunIntent): Holder {
  const label = name ?? agent ?? basename(command);
  const uid = process.getuid?.() ?? null;
  const seen = mark === undefined ? {} : { mark };
  return { runId: id, process: self, leader: null, ...seen, host: hostname(), uid, label };
}

function apartText({ worktree, file, apart }: ClaimPlace): string {
  return `the claim on ${worktree} lies in ${file}, because ${apart}: other users and homes do not see it`;
}

function runClaim(claim: HeldClaim): RunClaim {
  // One after the other: what was attached must not be written after the release.
  let last: Promise<unknown> = Promise.resolve();
  const next = (work: () => Promise<unknown>): Promise<unknown> => {
    last = last.then(work).catch(reportFailure);
    return last;
  };
  let attachment: NodeJS.Timeout | undefined;
  let unwritten: Leader | null = null;
  const writeLeader = async (): Promise<void> => {
    const leader = unwritten;
    unwritten = null;
    if (leader !== null) await claim.attach(leader);
  };
  const renewal =
    claim.joined || claim.place.oneKernel ? null : setInterval(() => void next(claim.renew), RENEW_MS).unref();
  return {
    token: claim.token,
    attach(started) {
      unwritten = leaderOf(started);
      clearTimeout(attachment);
      attachment = setTimeout(() => void next(writeLeader), ATTACH_AFTER_MS).unref();
    },
    outlive(survivors) {
      void next(() => claim.outlive(survivors));
    },
    async release() {
      unwritten = null;
      endTimers();
      await next(claim.release);
    },
    async close() {
      endTimers();
      // What a command of some milliseconds leaves behind is found by it, too.
      await next(writeLeader);
    },
  };

  function endTimers(): void {
    clearTimeout(attachment);
    if (renewal !== null) clearInterval(renewal);
  }
}

function leaderOf({ identity: { pid, startTicks }, processGroupId, sessionId }: RunStarted): Leader {
  return {
    pid,
    startTicks,
    group: processGroupId === pid ? processGroupId : null,
    session: sessionId === pid ? sessionId : null,
  };
}

function reportFailure(error: unknown): void {
  complain(error instanceof ReeveError ? errorLine(error) : `the claim on the worktree: ${String(error)}`);
}
