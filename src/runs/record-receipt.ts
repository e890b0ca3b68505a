import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { identityIn } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import type { Receipt } from '../processes/receipt.ts';
import { applyEvent } from './apply-event.ts';
import type { RunStore } from './ports.ts';
import type { RunId } from './record.ts';
import { runsAround } from './runs-around.ts';

export interface ReceiptPorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
}

/**
 * Puts a receipt on record, and who survived on the run itself and on all that it is nested in, whose members they are too, so that they
 * are looked for until they are gone, by whomever. The latter comes first: of a process that is killed in between, or whose store is full,
 * what is lost is a text and not a survivor.
 * @throws RUN_NOT_FOUND, and what the store throws
 */
export async function recordReceipt(ports: ReceiptPorts, id: RunId, receipt: Receipt): Promise<void> {
  if (receipt.survivors.length > 0) await recordSurvivors(ports, id, receipt.survivors);
  await ports.runs.saveReceipt(id, receipt, ports.clock.now());
}

async function recordSurvivors(ports: ReceiptPorts, id: RunId, found: Receipt['survivors']): Promise<void> {
  const survivors = found.map((survivor) => identityIn(ports.table.realm, survivor));
  const run = await ports.runs.get(id);
  const around = run === null ? [] : await runsAround(ports.runs, run);
  for (const one of [id, ...around.map(({ intent }) => intent.id)]) {
    try {
      await applyEvent(ports, one, { type: 'survived', survivors });
    } catch (error) {
      // They were gone before this was written, and somebody has seen so.
      if (!(error instanceof ReeveError && error.code === 'RUN_ENDED')) throw error;
    }
  }
}
