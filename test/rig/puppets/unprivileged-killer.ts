// Gives up its rights, then tries to kill a process that belongs to root. argv[2]: the identity as JSON. Prints the receipt.
import { systemClock } from '../../../src/host/clock.ts';
import { createLinuxProcesses } from '../../../src/linux/index.ts';
import type { Identity } from '../../../src/processes/identity.ts';
import { killVerified } from '../../../src/processes/kill.ts';
import { NOBODY } from '../nobody.ts';

const processes = createLinuxProcesses();
const target = JSON.parse(process.argv[2] ?? '') as Identity;
process.setgroups?.([]);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
const receipt = await killVerified({ ...processes, clock: systemClock }, [target], { graceMs: 30_000, verifyMs: 100 });
process.stdout.write(JSON.stringify(receipt));
