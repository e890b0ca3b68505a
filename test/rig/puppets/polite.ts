// Ends in good order after TERM: some work first, then exit 0. argv[2]: report file.
import { appendFileSync } from 'node:fs';

const WORK_MS = 50;
const idle = setInterval(() => {}, 60_000);
process.once('SIGTERM', () => {
  setTimeout(() => {
    appendFileSync(process.argv[2] ?? '', `ended ${process.pid}\n`);
    clearInterval(idle);
  }, WORK_MS);
});
appendFileSync(process.argv[2] ?? '', `leader ${process.pid}\n`);
