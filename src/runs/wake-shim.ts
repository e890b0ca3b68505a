import type { Identity } from '../processes/identity.ts';
import type { Signaller } from '../processes/ports.ts';

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
