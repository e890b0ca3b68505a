import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { identityIn } from '../processes/identity.ts';
import type { ProcessTable } from '../processes/ports.ts';
import type { Receipt } from '../processes/receipt.ts';
import { applyEvent } from './apply-event.ts';
import type { RunStore } from './ports.ts';
import type { RunId } from './record.ts';

export interface ReceiptPorts {
  readonly runs: RunStore;
  readonly table: ProcessTable;
  readonly clock: Clock;
}

/**
 * Puts a receipt on record, and who survived on the run itself, so that they are looked for until they are gone, by whomever.
 * @throws RUN_NOT_FOUND, and what the store throws
 */
export async function recordReceipt(ports: ReceiptPorts, id: RunId, receipt: Receipt): Promise<void> {
  const { runs, table, clock } = ports;
  await runs.saveReceipt(id, receipt, clock.now());
  if (receipt.survivors.length === 0) return;
  const survivors = receipt.survivors.map((survivor) => identityIn(table.realm, survivor));
  try {
    await applyEvent(ports, id, { type: 'survived', survivors });
  } catch (error) {
    // They were gone before this was written, and somebody has seen so.
    if (!(error instanceof ReeveError && error.code === 'RUN_ENDED')) throw error;
  }
}
