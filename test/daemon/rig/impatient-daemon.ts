/** The daemon, but its fail-safe acts after half a second instead of half a minute, and a round that gets nowhere is stuck as soon. */
import { runDaemonProcess } from '../../../src/daemon/process.ts';

await runDaemonProcess({ unenforcedGraceMs: 500, roundPatienceMs: 500 });
