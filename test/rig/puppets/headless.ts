// Ends its first thread while the others run on: the kernel then shows a zombie that is alive. argv[2]: report file.
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';

// exit(2) by its number ends one thread; the C library's function of that name would end the process. <asm/unistd.h>
const SYS_EXIT: Readonly<Record<string, number>> = { x64: 60, arm64: 93 };

// The other thread reports, once the kernel shows the first one as dead.
const worker = new Worker(
  `const { appendFileSync, readFileSync } = require('node:fs');
   const { workerData, parentPort } = require('node:worker_threads');
   parentPort.postMessage('up');
   const look = setInterval(() => {
     if (!readFileSync('/proc/' + process.pid + '/stat', 'latin1').includes(') Z ')) return;
     clearInterval(look);
     setInterval(() => {}, 60_000);
     appendFileSync(workerData, 'leader ' + process.pid + '\\n');
   }, 1);`,
  { eval: true, workerData: process.argv[2] },
);
worker.once('message', () => {
  koffi.load(null).func('long syscall(long number, long code)')(SYS_EXIT[process.arch], 0);
});
