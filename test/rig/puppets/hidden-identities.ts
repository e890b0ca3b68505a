// Where /proc hides processes: starts one that is hidden, shows, and is hidden again, and prints what its identities open each time.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createLinuxProcesses } from '../../../src/linux/index.ts';
import { HIDDEN_START, identityIn, isHidden, type Identity } from '../../../src/processes/identity.ts';
import { createReport, puppetCommand } from '../puppet.ts';

const undo: (() => void)[] = [];
const report = createReport({ after: (one) => undo.push(one) });
const { table, signaller } = createLinuxProcesses();
const [command, ...args] = puppetCommand('non-dumpable.ts', report);
const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
const exited = once(child, 'exit');

function identityNow(): Identity {
  const row = table.read(child.pid ?? 0);
  if (row === null) throw new Error('it is not there');
  return identityIn(table.realm, row);
}

function opens(identity: Identity, more: Partial<Identity> = {}): string {
  const opened = signaller.open({ ...identity, ...more });
  if (opened.kind === 'open') opened.handle.close();
  return opened.kind;
}

await report.pids('leader');
const hidden = identityNow();
const listed = table.list().find(({ pid }) => pid === child.pid);
const whileHidden = {
  isHidden: isHidden(hidden),
  isListed: listed?.startTicks === hidden.startTicks && listed.ppid === process.pid,
  itself: opens(hidden),
  another: opens(hidden, { startTicks: hidden.startTicks + 1 }),
  unknown: opens(hidden, { startTicks: HIDDEN_START }),
};
child.kill('SIGUSR1');
await report.pids('shown');
const shown = identityNow();
const whileShown = { isHidden: isHidden(shown), itself: opens(shown), asHidden: opens(hidden) };
child.kill('SIGUSR2');
await report.pids('again');
const hiddenAgain = { itself: opens(identityNow()), asShown: opens(shown) };
child.kill('SIGKILL');
await exited;
const dead = { asHidden: opens(hidden), asShown: opens(shown) };
process.stdout.write(JSON.stringify({ whileHidden, whileShown, hiddenAgain, dead }));
for (const one of undo) one();
