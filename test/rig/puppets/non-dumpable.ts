// Makes itself non-dumpable, as some agents do, and ignores TERM; on USR1 dumpable, on USR2 non-dumpable again. argv[2]: report file.
import { appendFileSync } from 'node:fs';
import { libc } from '../../../src/linux/libc.ts';

// <linux/prctl.h>
const PR_SET_DUMPABLE = 4;

function set(dumpable: number, role: string): void {
  if (libc.prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) !== 0) throw new Error('prctl failed');
  appendFileSync(process.argv[2] ?? '', `${role} ${process.pid}\n`);
}

process.on('SIGTERM', () => {});
process.on('SIGUSR1', () => set(1, 'shown'));
process.on('SIGUSR2', () => set(0, 'again'));
set(0, 'leader');
setInterval(() => {}, 1_000);
