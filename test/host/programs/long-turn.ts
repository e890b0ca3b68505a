import { existsSync, writeFileSync, writeSync } from 'node:fs';
import { suspendBetweenTurns } from '../../../src/host/job-control.ts';

// One turn of the event loop that lasts until somebody says so. Arguments: a file to wait for, a file to write at its end.
const [go = '', done = ''] = process.argv.slice(2);
const STDOUT = 1;

suspendBetweenTurns();
process.on('SIGCONT', () => writeSync(STDOUT, '<goes on>\n'));
process.stdin.on('data', (typed) => writeSync(STDOUT, `<got ${String(typed).trim()}>\n`));
writeSync(STDOUT, `<busy ${process.pid}>\n`);
const wait = new Int32Array(new SharedArrayBuffer(4));
while (!existsSync(go)) Atomics.wait(wait, 0, 0, 5);
writeFileSync(done, '');
