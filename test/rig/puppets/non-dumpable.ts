// Makes itself non-dumpable, as some agents do, and ignores TERM; on USR1 dumpable, on USR2 non-dumpable again. argv[2]: report file;
// argv[3]: `by-turns` makes it dumpable and not again and again, without a pause.
import { appendFileSync } from 'node:fs';
import { libc } from '../../../src/linux/libc.ts';

// <linux/prctl.h>
const PR_SET_DUMPABLE = 4;

/** It ends by itself where a test does not end it. */
const LIFE_MS = 60_000;

function become(dumpable: number): void {
  if (libc.prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) !== 0) throw new Error('prctl failed');
}

function set(dumpable: number, role: string): void {
  become(dumpable);
  appendFileSync(process.argv[2] ?? '', `${role} ${process.pid}\n`);
}

process.on('SIGTERM', () => {});
process.on('SIGUSR1', () => set(1, 'shown'));
process.on('SIGUSR2', () => set(0, 'again'));
set(0, 'leader');
const endsAt = performance.now() + LIFE_MS;
if (process.argv[3] === 'by-turns') for (let turn = 0; performance.now() < endsAt; turn += 1) become(turn % 2);
else setInterval(() => {}, 1_000);
