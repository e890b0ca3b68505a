import { isBetweenAttempts } from './attempts.ts';
import { hiddenText } from '../processes/hidden.ts';
import { sameRealm, type Identity, type Realm } from '../processes/identity.ts';
import type { RunEvent } from './run-event.ts';
import { startedOf } from './lifecycle.ts';
import { keeperOf } from './keeper.ts';
import type { RunRecord, RunState } from './record.ts';

/** What the process table shows of an active run. */
export interface Observation {
  /** Where we look from. */
  readonly realm: Realm;
  /** Whether a process with exactly this identity lives. */
  readonly isAlive: (identity: Identity) => boolean;
  /** Whether its tree has members, which is dear to find out: not asked of a run whose shim and command live. */
  readonly hasMembers: () => boolean;
  /** PIDs of hidden processes that may be its members: asked only where none is seen. */
  readonly suspects: () => readonly number[];
  /** Of a run of which nothing lives but the process that registered it: true leaves it to that. */
  readonly trustRegistrant: (record: RunRecord) => boolean;
}

/**
 * - `recovered`: alive, with its shim where it has one, which will complete it
 * - `orphaned`: members live, or may be hidden, but the shim or the leader is dead: nobody will end them
 * - `stale`: nothing of it lives, or it was another boot's
 * - `unstarted`: the intent was written, nothing was ever started, and nobody will
 * - `elsewhere`: another PID namespace of this boot: cannot be seen from here, so nothing is said about it
 */
export type Verdict = 'recovered' | 'orphaned' | 'stale' | 'unstarted' | 'elsewhere';

export interface Judgement {
  readonly verdict: Verdict;
  /** One sentence for people. */
  readonly why: string;
  /** What has to happen to the record; null when it stays as it is. */
  readonly event: RunEvent | null;
}

const WITH_SHIM = 'it is alive, and so is its shim';

/** Compares the record of an active run with what is there. Pure: nothing is signalled, nothing is written. */
export function judgeRun(record: RunRecord, seen: Observation, now: number): Judgement {
  const { shim } = record.intent;
  const keeper = keeperOf(record.intent);
  if (keeper.bootId !== seen.realm.bootId) return gone('stale', 'the machine has been restarted since', now);
  if (!sameRealm(keeper, seen.realm)) {
    return {
      verdict: 'elsewhere',
      why: `it was started in another PID namespace (on ${record.intent.host})`,
      event: null,
    };
  }
  const { current } = record;
  const leader = startedOf(current)?.identity;
  const isLeaderDead = leader !== undefined && !seen.isAlive(leader);
  if (shim === null) {
    if (!seen.hasMembers())
      return seen.isAlive(keeper) && seen.trustRegistrant(record)
        ? recovered('whoever registered it lives')
        : withoutMembers(record, seen, now);
    // There is no shim that would end the rest.
    const isOrphan = isLeaderDead && record.current.state !== 'lingering';
    return isOrphan ? orphaned(`its command (PID ${leader.pid}) is dead`) : recovered('it is alive');
  }
  if (seen.isAlive(shim)) {
    const isWithoutLeader = isLeaderDead && expectsLeader(current) && seen.hasMembers();
    return isWithoutLeader ? orphaned(`its command (PID ${leader.pid}) is dead`) : recovered(WITH_SHIM);
  }
  return seen.hasMembers() ? orphaned(`its shim (PID ${shim.pid}) is dead`) : withoutMembers(record, seen, now);
}

/** True while a dead command is no part of what is going on: neither kept in the background nor being ended. */
function expectsLeader(current: RunState): boolean {
  // Between two attempts the recorded command is dead by right, and the next may just have been started.
  if (isBetweenAttempts(startedOf(current))) return false;
  return current.state === 'running' || (current.state === 'paused' && current.exit === null);
}

function withoutMembers(record: RunRecord, { isAlive, suspects }: Observation, now: number): Judgement {
  const { intent, current } = record;
  const pids = suspects();
  if (pids.length > 0) return { verdict: 'orphaned', why: hiddenText(pids), event: null };
  if (current.state === 'starting') {
    const shimDied = 'its shim died before the command was started';
    const why = intent.shim === null ? 'whoever registered it never named a process' : shimDied;
    return { verdict: 'unstarted', why, event: { type: 'never-started', error: why, at: now } };
  }
  // It is about to say so itself.
  if (current.state === 'stopping' && current.executor !== undefined && isAlive(current.executor))
    return recovered('it is being stopped, and nothing of it lives');
  const emptied = { type: 'emptied', exit: null, error: null, at: now } as const;
  // The end was asked for, and its tree is empty: only the last line is missing.
  if (current.state === 'stopping' || current.state === 'interrupting') {
    const what = current.state === 'stopping' ? 'stopped' : 'interrupted';
    return { verdict: 'stale', why: `it was being ${what}, and nothing of it lives`, event: emptied };
  }
  // A shim in the foreground leaves survivors behind; one that dies while it watches over what was kept has told nobody how that ended.
  if (current.state === 'lingering' && (intent.shim === null || current.survivors !== undefined))
    return { verdict: 'stale', why: 'its command had ended, and nothing that it left lives', event: emptied };
  if (isBetweenAttempts(startedOf(current))) return gone('stale', 'its shim died before it was started again', now);
  return gone('stale', 'nothing of it lives, and nobody saw it end', now);
}

function gone(verdict: 'stale', why: string, now: number): Judgement {
  return { verdict, why, event: { type: 'lost', error: why, at: now } };
}

function recovered(why: string): Judgement {
  return { verdict: 'recovered', why, event: null };
}

function orphaned(what: string): Judgement {
  return { verdict: 'orphaned', why: `${what}, and processes of its tree live on`, event: null };
}
