import { SWEEP_REASON, type Receipt } from '../processes/receipt.ts';
import { stopTree, type StopPorts } from '../processes/stop-tree.ts';
import type { TreeSpec } from '../processes/tree-spec.ts';
import { announceToNested, completeNested, type NestedPorts } from './nested-runs.ts';
import type { RunId } from './record.ts';
import { recordReceipt } from './record-receipt.ts';
import { keepForSurvivors } from './run-claims.ts';
import { retryStore } from './store-retry.ts';

/** Ends what the command of a run has left behind, the runs nested in it included, and puts the receipt on record. */
export async function sweepRun(
  ports: StopPorts & NestedPorts,
  request: { readonly id: RunId; readonly spec: TreeSpec; readonly graceMs: number },
): Promise<Receipt> {
  const { clock, runs } = ports;
  const { id, spec, graceMs } = request;
  await announceToNested(ports, id);
  const receipt = await stopTree(ports, { spec, reason: SWEEP_REASON, graceMs });
  await retryStore(clock, () => recordReceipt(ports, id, receipt));
  await completeNested(ports, { parent: id, receipt });
  if (receipt.provenEmpty) return receipt;
  const run = await retryStore(clock, () => runs.get(id));
  if (run !== null) await keepForSurvivors(ports, run, receipt.survivors);
  return receipt;
}
