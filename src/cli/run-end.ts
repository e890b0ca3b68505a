import { constants } from 'node:os';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { Processes } from '../processes/ports.ts';
import { outcomeOf, startedOf } from '../runs/lifecycle.ts';
import { reconcile } from '../runs/reconcile.ts';
import type { RunStore } from '../runs/ports.ts';
import type { EndReason, RunId, RunOutcome, RunRecord } from '../runs/record.ts';
import { isShimAlive } from '../runs/shim-life.ts';
import type { RunClaims } from '../runs/run-claims.ts';

/** Exit code of a run that a limit ended, as `reeve run` itself gives it. */
const ENDED_BY_LIMIT = 124;
/** What a shell adds to the number of the signal that ended a command. */
const SIGNAL_BASE = 128;
const SIGNAL_NUMBERS: Readonly<Record<string, number | undefined>> = constants.signals;

/** Exit code of `reeve wait`: the one that `reeve run` would have ended with. */
export function exitCodeOf(outcome: RunOutcome): number {
  if (isLimit(outcome.endReason)) return ENDED_BY_LIMIT;
  if (outcome.exitCode !== null) return outcome.exitCode;
  if (outcome.signal !== null) return SIGNAL_BASE + (SIGNAL_NUMBERS[outcome.signal] ?? 0);
  return 1;
}

function isLimit(reason: EndReason): boolean {
  return reason.endsWith('-limit');
}

export interface EndOptions {
  readonly runs: RunStore;
  readonly processes: Processes;
  readonly clock: Clock;
  /** Given up after this many ms. */
  readonly timeoutMs: number;
  /** Given, the run has given back its worktree, too, when this resolves: whoever is told of the end may claim it at once. */
  readonly claims?: Pick<RunClaims, 'isHeldBy'>;
}

/** A shim that is gone may have written the end just before: the record is read once more after this. */
const WAIT_SLICE_MS = 60_000;
/** How often the record of a run without a shim is looked at: nobody is there to wait for before it has a process, and after its end. */
const RECORD_LOOK_MS = 50;
/** How long a shim may take to give back its worktree after the end is on record, and how often that is looked at. */
const GIVE_BACK_MS = 10_000;
const GIVE_BACK_LOOK_MS = 5;
/** How long whoever registered a run may take to tell how its dead command ended; then its record is closed without. */
const REGISTRANT_PATIENCE_MS = 5_000;

/**
 * Waits until a run's record is terminal; null when the time is up. Only the shim ends a record, as its last act: so this waits for
 * the shim's exit, and wakes up for nothing else. Of a run without a shim it waits for the command, and then for whoever speaks for it, or
 * the daemon, to say that it has ended.
 * @throws RUN_NOT_FOUND, SHIM_LOST when the shim died without ending the record
 */
export async function waitForEnd(id: RunId, options: EndOptions): Promise<RunOutcome | null> {
  const { clock, runs } = options;
  const deadline = clock.monotonicMs() + options.timeoutMs;
  let deadSince: number | undefined;
  for (;;) {
    const record = await runs.get(id);
    if (record === null) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
    const outcome = outcomeOf(record.current);
    if (outcome !== null) {
      await givenBack(record, { ...options, timeoutMs: deadline - clock.monotonicMs() });
      return outcome;
    }
    const leftMs = deadline - clock.monotonicMs();
    if (leftMs <= 0) return null;
    const { shim } = record.intent;
    const watched = shim ?? startedOf(record.current)?.identity;
    const isOver = watched === undefined || (await hasExited(watched, id, { ...options, timeoutMs: leftMs }));
    if (isOver && shim !== null) return await endedMeanwhile(id, runs);
    if (!isOver) continue;
    deadSince ??= clock.monotonicMs();
    if (watched !== undefined && clock.monotonicMs() - deadSince >= REGISTRANT_PATIENCE_MS)
      await reconcile({ runs, clock, table: options.processes.table }, { ids: [id] });
    await clock.sleep(Math.min(leftMs, RECORD_LOOK_MS));
  }
}

/** A shim gives back its worktree last of all; once it is dead, the next who wants the worktree finds the claim stale. */
async function givenBack(record: RunRecord, { processes, claims, clock, timeoutMs }: EndOptions): Promise<void> {
  const holds = async (): Promise<boolean> =>
    isShimAlive(record.intent.shim, processes.table) && (await claims?.isHeldBy(record)) === true;
  const deadline = clock.monotonicMs() + Math.min(timeoutMs, GIVE_BACK_MS);
  while (clock.monotonicMs() < deadline && (await holds())) await clock.sleep(GIVE_BACK_LOOK_MS);
}

/** True at once when the process is gone; false when the time was up, or after a slice of it. */
async function hasExited(identity: Identity, id: RunId, { processes, timeoutMs }: EndOptions): Promise<boolean> {
  const opened = processes.signaller.open(identity);
  if (opened.kind === 'gone') return true;
  if (opened.kind === 'denied')
    throw new ReeveError('PERMISSION_DENIED', `run ${id} belongs to another user`, {
      where: id,
      hint: 'wait for it as that user',
    });
  await processes.signaller.waitAny([opened.handle], Math.min(timeoutMs, WAIT_SLICE_MS));
  opened.handle.close();
  return false;
}

async function endedMeanwhile(id: RunId, runs: RunStore): Promise<RunOutcome> {
  const record = await runs.get(id);
  const outcome = record === null ? null : outcomeOf(record.current);
  if (outcome !== null) return outcome;
  throw new ReeveError('SHIM_LOST', `the shim of run ${id} is gone, and its record is still open`, {
    where: id,
    hint: '`reeve doctor` shows what lives on of it; `reeve stop` ends that',
  });
}
