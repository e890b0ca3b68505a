/**
 * Started with a limit on the size of its files: writes one event that fits and one that does not, then lifts the limit and writes a third.
 * argv: folder, number of the first event. Prints how many events could not be written.
 */
import { execFileSync } from 'node:child_process';
import { createEventLog } from '../../../src/host/event-log.ts';

const [folder = '', first = ''] = process.argv.slice(2);
let failed = 0;
const log = createEventLog({ folder, onFailure: () => (failed += 1) });
log.record({ type: 'daemon.stopped', at: Number(first), reason: 'fits' });
log.record({ type: 'daemon.stopped', at: Number(first) + 1, reason: 'x'.repeat(2_000) });
execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
log.record({ type: 'daemon.stopped', at: Number(first) + 2, reason: 'fits' });
process.stdout.write(String(failed));
