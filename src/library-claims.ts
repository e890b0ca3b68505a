import { basename } from 'node:path';
import { acquireClaim, type HeldClaim } from './claims/acquire.ts';
import type { Claim, Holder } from './claims/claim.ts';
import { collisionsAmong, type ClaimCollision, type SessionKnowledge } from './claims/collisions.ts';
import * as inspect from './claims/inspect.ts';
import type { ClaimView } from './claims/inspect.ts';
import type { ClaimStore } from './claims/ports.ts';
import { runsOf } from './claims/see-tree.ts';
import type { Clock } from './clock.ts';
import { absolutePath } from './host/absolute-path.ts';
import { systemClock } from './host/clock.ts';
import { resolvePaths } from './host/paths.ts';
import { openProcesses } from './library.ts';
import { COOKIE_VARIABLE } from './processes/tree-spec.ts';
import { redactId } from './runs/redact-id.ts';
import { assertWholeMs } from './whole-ms.ts';
import { wireClaims } from './wire-claims.ts';

export interface ClaimsOptions {
  /** Rows of claims, for listing those of worktrees that are not near. @defaultValue none: the files alone */
  readonly store?: { readonly claims: ClaimStore };
  /** What people call the holder. @defaultValue the name of this program */
  readonly label?: string;
  /** Folder for claims on worktrees whose git directory cannot be written. @defaultValue the user's own state folder */
  readonly spareFolder?: string;
  /** @defaultValue the system's */
  readonly clock?: Clock;
}

export interface AcquireOptions {
  /** The agent's session. @defaultValue none */
  readonly session?: string;
  /** How long to queue for a worktree that is claimed, in milliseconds. @defaultValue 0: not at all */
  readonly waitMs?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Told in a line who is waited for. */
  readonly onWait?: (line: string) => void;
}

export interface SearchOptions {
  /** Only worktrees in or below this folder, and all of the repository around it. @defaultValue the working folder's repository and all rows */
  readonly under?: string;
}

/** Claims on worktrees, held by this process: for as long as it, or anything that descends from it, lives. */
export interface Claims {
  /**
   * Claims the worktree of a folder; once more by its holder refreshes it: token and beginning stay, the session is replaced.
   * @throws CLAIM_HELD, CLAIM_CORRUPT, FOLDER_NOT_FOUND, PERMISSION_DENIED, USAGE when `waitMs` is no time, and the signal's reason
   */
  acquire(folder: string, options?: AcquireOptions): Promise<HeldClaim>;
  /** The claim as it is now. Writes nothing. @throws FOLDER_NOT_FOUND */
  read(folder: string): Promise<ClaimView>;
  /** Passes when the worktree is free, ours or stale. Writes nothing. @throws CLAIM_HELD, CLAIM_CORRUPT, FOLDER_NOT_FOUND */
  check(folder: string): Promise<void>;
  /** `unlocked` · `locked (by us)` · `locked by PID N (session: S)` · `stale (dead PID N)` · `error: …` */
  status(folder: string): Promise<string>;
  /** Whether a token is the one in force: false for a superseded holder. @throws CLAIM_CORRUPT, FOLDER_NOT_FOUND */
  verify(folder: string, token: number): Promise<boolean>;
  /** Breaks the claim, whoever holds it, ends nothing, and returns what was broken; null when there was none. @throws CLAIM_CORRUPT */
  forceRelease(folder: string): Promise<Claim | null>;
  /** Claims that are known, free worktrees left out. No folder is looked through. @throws FOLDER_NOT_FOUND when the working folder was removed */
  findAll(options?: SearchOptions): Promise<readonly ClaimView[]>;
  /** Gives back claims whose trees are proven empty, and says how many. */
  cleanStale(options?: SearchOptions): Promise<number>;
  /**
   * What is wrong among claims: holders that are dead, sessions that are gone, sessions that hold several worktrees.
   * @param options.activeSessions sessions that live, also of foreign tools; without it no session is called gone
   */
  detectCollisions(
    options?: SearchOptions & { readonly activeSessions?: readonly string[] },
  ): Promise<readonly ClaimCollision[]>;
}

/**
 * One holder per worktree, across users, homes and containers that share it.
 *
 * @example
 * const claims = createClaims();
 * const claim = await claims.acquire('/work/api', { session: 's1', waitMs: 60_000 });
 * try {
 *   await work(claim.token);
 * } finally {
 *   await claim.release();
 * }
 * @throws PLATFORM_UNSUPPORTED
 */
export function createClaims(options: ClaimsOptions = {}): Claims {
  const processes = openProcesses();
  const clock = options.clock ?? systemClock;
  const spare = options.spareFolder ?? resolvePaths(process.env).claimsDir;
  const ports = wireClaims({ processes, clock, rows: options.store?.claims ?? null, spare });
  const { files, host, uid } = ports;
  const label = options.label ?? basename(process.argv[1] ?? process.execPath);
  const us: Holder = { runId: null, process: processes.self, leader: null, host, uid, label };
  const insideOf = runsOf(process.env[COOKIE_VARIABLE] ?? '');
  const findAll = async ({ under }: SearchOptions = {}): Promise<readonly ClaimView[]> => {
    const near = absolutePath(under ?? '.');
    return inspect.listClaims(ports, { near, ...(under === undefined ? {} : { under: near }) });
  };
  return {
    async acquire(folder, { session, waitMs = 0, ...rest } = {}) {
      assertWholeMs('waitMs', waitMs);
      const place = files.placeOf(folder);
      return acquireClaim(ports, { place, holder: us, session: session ?? null, insideOf, waitMs, ...rest });
    },
    read: async (folder) => inspect.readClaim(ports, files.placeOf(folder)),
    check: async (folder) => inspect.checkClaim(ports, files.placeOf(folder), { holder: us, insideOf }),
    status: async (folder) => inspect.statusText(await inspect.readClaim(ports, files.placeOf(folder)), us),
    verify: async (folder, token) =>
      (await inspect.verifyClaim(ports, files.placeOf(folder), token, insideOf)).verdict === 'current',
    forceRelease: async (folder) => inspect.forceRelease(ports, files.placeOf(folder)),
    findAll,
    cleanStale: async (search) => inspect.cleanStale(ports, await findAll(search)),
    async detectCollisions({ activeSessions, ...search } = {}) {
      return collisionsAmong(await findAll(search), activeSessions === undefined ? null : knowledgeOf(activeSessions));
    },
  };
}

/** What a caller says who knows all sessions that live. */
function knowledgeOf(activeSessions: readonly string[]): SessionKnowledge {
  // As claims have them: without the secrets that some are made of.
  const active = new Set(activeSessions.map(redactId));
  return {
    inTreeOf: () => [],
    whyGone: (session) => (active.has(session) ? null : 'it is not among the active ones'),
  };
}
