import { dirname } from 'node:path';
import { attemptGuard, leaveGuard, type GuardResult, type GuardStep } from '../claims/guard.ts';
import type { ClaimPlace } from '../claims/ports.ts';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { sameRealm, type Identity } from '../processes/identity.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { makeName, readName, removeName } from './exclusive-name.ts';
import { systemRandom } from './random.ts';
import { shellWord } from '../shell-word.ts';

/** The kernel's file locks, which the platform brings. */
export interface KernelLocks {
  /** Null: another process has it. @throws PERMISSION_DENIED when the file or folder cannot be opened or locked */
  tryLockShared(path: string): { release(): void } | null;
  isLocked(path: string): boolean;
}

/** Who makes the names of guards, and whose death it can see. */
export interface GuardSelf {
  readonly host: string;
  readonly self: Identity;
  readonly table: ProcessTable;
}

/** Who guards a claim writes two small files; longer than this it takes only when it was suspended in the middle. */
const TIMEOUT_MS = 10_000;
/** Between two attempts: random, so that fifty contenders do not come back together. */
const RETRY_MS = { min: 1, max: 6 } as const;
const NONCE_BYTES = 8;

export interface ClaimGuard {
  /**
   * The kernel's lock on the claim's folder, which ends with its process; where other kernels may have the folder mounted also a name in it,
   * because no lock on a folder leaves its own kernel.
   * @throws CLAIM_HELD when another process keeps it for seconds
   */
  take(place: ClaimPlace): Promise<{ release(): void }>;
  /** Removes the name, whoever made it. False: there was none. */
  break(place: ClaimPlace): boolean;
}

export function createClaimGuard(ports: {
  readonly locks: KernelLocks;
  readonly clock: Clock;
  readonly owner: GuardSelf;
}): ClaimGuard {
  const { locks, clock, owner } = ports;
  return {
    async take(place) {
      const deadline = clock.monotonicMs() + TIMEOUT_MS;
      const lock = await insist(deadline, () => locks.tryLockShared(dirname(place.file)));
      if (lock === null) throw busy(place, `It may be suspended: \`fuser ${dirname(place.file)}\` names it.`);
      if (place.oneKernel) return lock;
      try {
        const release = await takeName(place, deadline);
        return {
          release() {
            try {
              release();
            } finally {
              lock.release();
            }
          },
        };
      } catch (error) {
        lock.release();
        throw error;
      }
    },
    break(place) {
      const name = nameOf(place);
      if (readName(name) === null) return false;
      removeName(name);
      return true;
    },
  };

  async function takeName(place: ClaimPlace, deadline: number): Promise<() => void> {
    const nonce = Buffer.from(systemRandom(NONCE_BYTES)).toString('hex');
    const text = JSON.stringify({ nonce, host: owner.host, process: owner.self });
    const name = nameOf(place);
    let last: string | null = null;
    const taken = await insist(deadline, () => {
      const attempt = perform(attemptGuard(name, { text, deadOwner: (of) => deadNonce(of, owner) }));
      if (attempt.kind === 'busy') last = attempt.owner;
      return attempt.kind === 'taken' ? true : null;
    });
    if (taken !== null) return () => perform(leaveGuard(name, text));
    throw busy(
      place,
      `${ownerText(last)} has ${name}: when that is dead, \`reeve release --force ${shellWord(place.worktree)}\` removes it.`,
    );
  }

  async function insist<T>(deadline: number, attempt: () => T | null): Promise<T | null> {
    for (;;) {
      const result = attempt();
      if (result !== null || clock.monotonicMs() > deadline) return result;
      await clock.sleep(RETRY_MS.min + Math.random() * (RETRY_MS.max - RETRY_MS.min));
    }
  }
}

function busy({ worktree, file }: ClaimPlace, hint: string): ReeveError {
  const message = `another process has been changing the claim on ${worktree} for seconds`;
  return new ReeveError('CLAIM_HELD', message, { where: file, hint });
}

function nameOf({ file }: ClaimPlace): string {
  return `${file.slice(0, -'.json'.length)}.guard`;
}

function perform<T>(steps: Generator<GuardStep, T, GuardResult>): T {
  let step = steps.next();
  while (step.done !== true) step = steps.next(doStep(step.value));
  return step.value;
}

function doStep(step: GuardStep): GuardResult {
  switch (step.act) {
    case 'make':
      return makeName(step.name, step.text);
    case 'read':
      return readName(step.name);
    case 'remove':
      removeName(step.name);
      return undefined;
  }
}

/** What a guard's name says; null for anything else. */
function parseOwner(
  text: string,
): { readonly nonce: string; readonly host: string; readonly process: Identity } | null {
  try {
    const { nonce, host, process } = JSON.parse(text) as Record<string, unknown>;
    const { bootId, pidNamespace, pid, startTicks } = process as Record<string, unknown>;
    // It becomes part of a name.
    if (typeof nonce !== 'string' || !/^[\da-f]{16}$/u.test(nonce) || typeof host !== 'string') return null;
    if (typeof bootId !== 'string' || typeof pidNamespace !== 'string') return null;
    if (typeof pid !== 'number' || typeof startTicks !== 'number') return null;
    return { nonce, host, process: { bootId, pidNamespace, pid, startTicks } };
  } catch {
    return null;
  }
}

/** Only of a process of this very kernel and namespace can it be seen that it is dead. Cloned machines share both, but hardly a host name. */
function deadNonce(text: string, { host, table }: GuardSelf): string | null {
  const owner = parseOwner(text);
  if (owner === null || owner.host !== host || !sameRealm(owner.process, table.realm)) return null;
  return isAlive(owner.process, table) ? null : owner.nonce;
}

function ownerText(text: string | null): string {
  const owner = text === null ? null : parseOwner(text);
  return owner === null ? 'Somebody unknown' : `PID ${owner.process.pid} on ${owner.host}`;
}
