/**
 * Runs with TMPDIR on a small disk of its own: stops a background run while that is full, makes room again, and prints what came of it as
 * JSON.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTerminal, outcomeOf } from '../../../src/runs/lifecycle.ts';
import type { RunOutcome } from '../../../src/runs/record.ts';
import type { RunJson } from '../../../src/runs/view.ts';
import { fillDisk } from '../../daemon/rig/fill-disk.ts';
import { openHome } from '../../daemon/rig/home.ts';
import { awaitValue } from '../../rig/await-value.ts';
import { readProcess } from '../../rig/live-processes.ts';

export interface FullDiskStop {
  readonly stop: { readonly code: number | null; readonly stderr: string };
  /** While the disk was still full. */
  readonly commandLives: boolean;
  readonly state: string;
  readonly outcome: RunOutcome | null;
  readonly events: readonly string[];
}

await using home = openHome();
const started = await home.cli('start', '--json', '--grace', '0', '--', 'sleep', '1000');
const { id, identity } = JSON.parse(started.stdout) as RunJson;
const ballast = join(tmpdir(), 'ballast');
fillDisk(ballast);
const stop = await home.cli('stop', '--grace', '0', id);
const commandLives = readProcess(identity?.pid ?? 0) !== null;
rmSync(ballast);
const record = await awaitValue('the end on record', async () => {
  const now = await home.run(id);
  return isTerminal(now.current.state) ? now : null;
});
const report: FullDiskStop = {
  stop,
  commandLives,
  state: record.current.state,
  outcome: outcomeOf(record.current),
  events: home.events().map(({ type }) => type),
};
process.stdout.write(JSON.stringify(report));
