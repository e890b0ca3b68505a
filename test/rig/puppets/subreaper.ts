// Stands in for a shim: a subreaper that starts a command and takes the zombies it adopts. argv[2]: report file, then the command.
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { becomeSubreaper, reapAdopted } from '../../../src/linux/index.ts';

const [, , report = '', command = '', ...args] = process.argv;
becomeSubreaper();
const child = spawn(command, args, { stdio: 'ignore', detached: true });
const own = new Set([child.pid ?? 0]);
process.on('SIGCHLD', () => {
  for (const { pid } of reapAdopted(own)) appendFileSync(report, `reaped ${pid}\n`);
});
child.once('exit', () => appendFileSync(report, `exited ${child.pid}\n`));
setInterval(() => {}, 60_000);
appendFileSync(report, `shim ${process.pid}\n`);
