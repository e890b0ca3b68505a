import { hiddenText } from './hidden.ts';
import type { Receipt, SignalledProcess, Survivor } from './receipt.ts';
import type { Target } from './targets.ts';

export interface StopFacts {
  readonly reason: string;
  /** Monotonic milliseconds, like the deaths of the targets; null when nothing was signalled. */
  readonly firstSignalAt: number | null;
  readonly elapsedMs: number;
  /** True when no member lives that can be seen. */
  readonly foundEmpty: boolean;
  /** PIDs of hidden processes that may be members. */
  readonly suspects: readonly number[];
}

/** The receipt of what a stop did to its targets, in the order in which they were found. */
export function receiptOf(targets: readonly Target[], facts: StopFacts): Receipt {
  const { suspects } = facts;
  return {
    reason: facts.reason,
    signalled: targets.filter(({ signals }) => signals.length > 0).map((target) => signalled(target, facts)),
    survivors: targets.filter(({ dead }) => !dead).map(survivor),
    escalated: targets.some(({ signals }) => signals.includes('KILL')),
    elapsedMs: toTenths(facts.elapsedMs),
    provenEmpty: facts.foundEmpty && suspects.length === 0,
    ...(suspects.length > 0 && { unproven: { pids: suspects, why: hiddenText(suspects) } }),
  };
}

function signalled(target: Target, { firstSignalAt }: StopFacts): SignalledProcess {
  const { row, signals, outsideGroup, diedAt } = target;
  const diedMs = diedAt === null || firstSignalAt === null ? null : toTenths(diedAt - firstSignalAt);
  return { pid: row.pid, startTicks: row.startTicks, comm: row.comm, signals: [...signals], diedMs, outsideGroup };
}

function survivor({ row, why, had }: Target): Survivor {
  const reason = why ?? (had.has('kill') ? `still alive after KILL (state ${row.state})` : 'not signalled');
  return { pid: row.pid, startTicks: row.startTicks, comm: row.comm, why: reason };
}

/** A tenth of a millisecond is what the clock is good for. */
function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
