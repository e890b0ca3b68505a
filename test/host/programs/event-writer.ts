/** Writes numbered events as fast as it can. argv: folder, number of this writer, how many events, bytes at which the file is set aside. */
import { createEventLog } from '../../../src/host/event-log.ts';

const [folder = '', writer = '', count = '', maxBytes = ''] = process.argv.slice(2);
const log = createEventLog({
  folder,
  maxBytes: Number(maxBytes),
  keep: 100_000,
  onFailure: (error) => {
    throw error;
  },
});
for (let at = 1; at <= Number(count); at += 1) {
  // Unique across writers: what a file that is set aside is called comes from it.
  log.record({ type: 'daemon.stopped', at: at * 100 + Number(writer), reason: 'x'.repeat(60) });
}
