import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { ProcessTable, Signaller } from '../processes/ports.ts';
import type { RunRecord } from './record.ts';
import { isShimAlive } from './shim-life.ts';

/**
 * Makes a shim look at its record. One that was suspended with its command (Ctrl-Z) has to run to write the end of its run; one that waits
 * between two attempts has to be told that someone asked for it. CONT does both, and nothing to others.
 * @throws SIGNAL_REFUSED when it is this process or an ancestor
 */
export function wakeShim(signaller: Signaller, shim: Identity): void {
  const opened = signaller.open(shim);
  if (opened.kind !== 'open') return;
  opened.handle.send('CONT');
  opened.handle.close();
}

interface HeirPorts {
  readonly table: ProcessTable;
  readonly signaller: Signaller;
}

/** Has a living shim look at its record. It carries on with a stop whose executor dies. False: nobody is there to be waited for. */
export function wakeHeir({ table, signaller }: HeirPorts, { intent: { shim } }: RunRecord): boolean {
  if (shim === null || !isShimAlive(shim, table) || isOutOfOurHands(signaller, shim)) return false;
  wakeShim(signaller, shim);
  return true;
}

/** True for the shim that runs this very code, and for a caller below it: waiting for the one that waits for us would be in vain. */
function isOutOfOurHands(signaller: Signaller, shim: Identity): boolean {
  try {
    const opened = signaller.open(shim);
    if (opened.kind === 'open') opened.handle.close();
    return false;
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'SIGNAL_REFUSED') return true;
    throw error;
  }
}
