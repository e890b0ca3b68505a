/** The daemon, but its fail-safe acts after half a second instead of half a minute. */
import { runDaemonProcess } from '../../../src/daemon/process.ts';

await runDaemonProcess({ unenforcedGraceMs: 500 });
