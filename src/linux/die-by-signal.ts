import { constants } from 'node:os';
import koffi from 'koffi';
import { libc } from './libc.ts';

// <linux/prctl.h>, <bits/signum-generic.h>
const PR_SET_DUMPABLE = 4;
const SIG_DFL = 0;

/**
 * Ends this process by a signal, so that its parent sees the same as the shim saw of the command. Its default action comes back first
 * (Node ignores PIPE, for one), and no core is dumped: it would be of the wrong process.
 * Returns only when the signal does not end a process; then 128 + its number is the customary exit code.
 */
export function dieBySignal(signal: string): number {
  const number = (constants.signals as Readonly<Record<string, number>>)[signal];
  if (number === undefined) return 1;
  // Elsewhere there is no prctl, and a core may be dumped.
  if (process.platform === 'linux') libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  process.removeAllListeners(signal);
  koffi.load(null).func('intptr_t signal(int number, intptr_t action)')(number, SIG_DFL);
  process.kill(process.pid, number);
  return 128 + number;
}
