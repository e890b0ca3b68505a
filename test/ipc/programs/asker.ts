/**
 * Asks whoever listens on the socket, and prints `asked`; then what came of it within the patience: the answer's kind, or `silent`.
 * Usage: `node asker.ts <socket> <patience in ms>`
 */
import { connect } from '../../../src/ipc/client.ts';
import { answerWithin } from '../../../src/ipc/patience.ts';

const [socket = '', patienceMs = ''] = process.argv.slice(2);
const client = await connect(socket);
const answer = client.call('shutdown', {}).then(() => 'heard');
process.stdout.write('asked\n');
process.stdout.write(`${await answerWithin(answer, Number(patienceMs))}\n`);
client.close();
