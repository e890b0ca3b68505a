// Opens a store when it is told to and inserts one run. argv: database.
import { once } from 'node:events';
import { intentOf } from '../../contracts/samples.ts';
import { openAt } from '../rig.ts';

process.send?.('ready');
await once(process, 'message');
try {
  await using store = await openAt(process.argv[2] ?? '');
  await store.runs.insert(intentOf());
  process.send?.('done');
} catch (error) {
  process.send?.(String(error));
}
process.disconnect();
