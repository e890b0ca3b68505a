/** Starts a command, and is killed in the middle of it: `killed-spawner.ts DATABASE intended|started`. */
import process from 'node:process';
import { createRegistry, openSqliteStore, systemClock, type RunStore } from '../../../src/index.ts';

const [path = '', moment = ''] = process.argv.slice(2);
const { runs } = await openSqliteStore({ path, clock: systemClock });

const dying: RunStore = {
  ...runs,
  // The intent is on record, and nothing runs.
  async insert(...intent) {
    const record = await runs.insert(...intent);
    if (moment === 'intended') process.kill(process.pid, 'SIGKILL');
    return record;
  },
  // The command runs, and the record does not know it.
  async update(...change) {
    if (moment === 'started') process.kill(process.pid, 'SIGKILL');
    return runs.update(...change);
  },
};
const registry = createRegistry({ runs: dying });
await registry.spawn({ source: 'subprocess', command: 'sleep', args: ['1000'], stdio: 'ignore' });
