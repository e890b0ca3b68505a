import { rmSync } from 'node:fs';
import { runOutput } from '../host/run-output.ts';
import { pruneRuns } from '../runs/retention.ts';
import { complain } from './messages.ts';
import type { ShimWorkplace } from './workplace.ts';

/** Forgets runs that ended long ago, with their output. Every run does so at its end: history needs no one else to stay bounded. */
export async function pruneHistory({ store, clock, paths }: ShimWorkplace): Promise<void> {
  try {
    for (const id of await pruneRuns(store.runs, clock.now())) {
      rmSync(runOutput(paths.runsDir, id).folder, { recursive: true, force: true });
    }
  } catch (error) {
    complain(`old runs cannot be forgotten: ${error instanceof Error ? error.message : String(error)}`);
  }
}
