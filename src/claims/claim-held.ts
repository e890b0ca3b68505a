import type { ReeveError } from '../errors.ts';
import { isAlive } from '../processes/identity-of.ts';
import type { ProcessTable } from '../processes/ports.ts';
import { claimHeld, type HomeOfRun, type Refusal } from './claim-errors.ts';
import type { Holder } from './claim.ts';
import type { ClaimPlace } from './ports.ts';
import type { RegisterPorts } from './register.ts';

type HeldPorts = Pick<RegisterPorts, 'rows' | 'clock'> & { readonly table: ProcessTable };

/** What whoever asked for a worktree is told of who has it, with a remedy that works for the asker. @returns CLAIM_HELD */
export async function claimHeldBy(ports: HeldPorts, place: ClaimPlace, refusal: Refusal): Promise<ReeveError> {
  const home = refusal.kind === 'queued' ? 'ours' : await homeOf(ports, place, refusal.claim.holder);
  return claimHeld(place, refusal, { now: ports.clock.now(), home });
}

/** Whoever claims writes a row in its own home. What other homes there are, only the environment of their shims tells. */
async function homeOf({ rows, table }: HeldPorts, place: ClaimPlace, holder: Holder): Promise<HomeOfRun> {
  const row = await rows?.find({ path: place.worktree, folderId: place.folderId });
  if (row?.record.claim?.holder.runId === holder.runId) return 'ours';
  if (!isAlive(holder.process, table)) return { reeveHome: null, shim: null };
  const found = table.environment(holder.process.pid, 'REEVE_HOME');
  return { reeveHome: found.kind === 'value' && found.value !== '' ? found.value : null, shim: holder.process.pid };
}
