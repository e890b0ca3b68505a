import type { Identity } from '../processes/identity.ts';
import type { RunId, RunRecord } from '../runs/record.ts';

/** A stop takes its grace, a freeze and a verification; whoever takes a minute more is at an end with it. */
const STOP_SLACK_MS = 60_000;
/** How long the shim may take to carry on with a stop whose executor has died. */
const HEIR_MS = 5_000;
/** Whoever interrupts may wait long for what becomes of it. */
const INTERRUPT_MS = 300_000;

/**
 * Finds stops and interrupts that were begun and whom nobody attends to any more: the command that asked was killed. Each is handed on once
 * in the life of this daemon, so that what cannot be ended is not tried for ever.
 */
export function createUnattendedWatch(ports: {
  readonly monotonicMs: () => number;
  readonly lives: (process: Identity) => boolean;
  readonly carryOn: (record: RunRecord) => void;
}): (active: readonly RunRecord[]) => void {
  let seenSince: ReadonlyMap<RunId, number> = new Map();
  const handedOn = new Set<string>();
  return (active) => {
    const now = ports.monotonicMs();
    const seen = new Map<RunId, number>();
    for (const record of active) {
      const patienceMs = patienceFor(record, ports.lives);
      if (patienceMs === null) continue;
      const { id } = record.intent;
      const since = seenSince.get(id) ?? now;
      seen.set(id, since);
      const key = `${id} ${record.current.state}`;
      if (now - since < patienceMs || handedOn.has(key)) continue;
      handedOn.add(key);
      ports.carryOn(record);
    }
    seenSince = seen;
  };
}

/** Null: nothing was asked of it. */
function patienceFor({ intent, current }: RunRecord, lives: (process: Identity) => boolean): number | null {
  if (current.state === 'stopping') {
    const { executor } = current;
    return executor !== undefined && !lives(executor) ? HEIR_MS : intent.graceMs + STOP_SLACK_MS;
  }
  return current.state === 'interrupting' ? INTERRUPT_MS : null;
}
