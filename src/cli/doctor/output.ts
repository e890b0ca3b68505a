import { rmSync } from 'node:fs';
import { listRunOutputs, runOutput } from '../../host/run-output.ts';
import type { RunStore } from '../../runs/ports.ts';
import type { RunId } from '../../runs/record.ts';
import type { Workplace } from '../open.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** Ids per question to the store. */
const BATCH = 500;

/**
 * Output whose run is no longer on record: whoever forgot the run died before its folder was gone. With `fix` it is removed. The folders
 * are listed before the records are asked for, and a record is there before its folder: a run that starts meanwhile is never among them.
 */
export async function examineOutput({ paths, store }: Workplace, fix: boolean): Promise<readonly Finding[]> {
  const { runs } = await store();
  const forgotten = await withoutRecord(runs, listRunOutputs(paths.runsDir));
  return forgotten.map((id) => {
    const { folder } = runOutput(paths.runsDir, id);
    if (fix) rmSync(folder, { recursive: true, force: true });
    return finding({
      kind: 'forgotten-output',
      severity: 'note',
      subject: folder,
      evidence: [`run ${id} is no longer on record`],
      remedy: '`reeve doctor --fix` removes it',
      fixed: fix ? 'removed' : null,
    });
  });
}

async function withoutRecord(runs: RunStore, ids: readonly RunId[]): Promise<readonly RunId[]> {
  const known = new Set<RunId>();
  for (let at = 0; at < ids.length; at += BATCH)
    for (const { intent } of await runs.list({ ids: ids.slice(at, at + BATCH) })) known.add(intent.id);
  return ids.filter((id) => !known.has(id));
}
