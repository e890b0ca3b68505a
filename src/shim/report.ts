import { ReeveError } from '../errors.ts';
import type { RunId } from '../runs/record.ts';
import { runsInside } from '../runs/runs-inside.ts';
import { usageTogether } from '../usage/run-usage.ts';
import { limitThatEnded, type Ending } from './ending.ts';
import { complain, stderrIsTerminal } from './messages.ts';
import type { RunRequest } from './request.ts';
import { isSpendCapped, reportText, summaryLine, unseenSpend, type Spent } from './summary.ts';
import type { WarningVoice } from './warnings.ts';
import type { ShimWorkplace } from './workplace.ts';

/**
 * Says how a run ended: what limits have said that was not told before, one line on stderr when people read it (survivors, and a limit that
 * ended it, are named in any case), and the report file when one is wanted. A report that cannot be written is complained about; it does not change how the run ended.
 */
export async function report(
  { store, clock }: ShimWorkplace,
  { reportFile }: RunRequest,
  { ending, voice }: { readonly ending: Ending; readonly voice: WarningVoice | null },
): Promise<void> {
  const { id, limited } = ending.record.intent;
  // A store that cannot be read must not change how the run ended.
  const warnings = limited ? await store.lockouts.warnings({ runId: id }).catch(() => []) : [];
  voice?.tell(warnings);
  const isRead = stderrIsTerminal() || ending.survivors.length > 0;
  const limit = limitThatEnded(ending);
  // What only the exit code tells, nobody finds in a log.
  if (!isRead && limit !== null) complain(`run ${id} was stopped: ${limit}`);
  if (!isRead && reportFile === null && !isSpendCapped(ending.record.intent)) return;
  const spent = await spendOf(store, id);
  if (isRead) complain(summaryLine(ending, spent, clock.now()));
  const unseen = unseenSpend(ending, spent);
  if (unseen !== null) complain(unseen);
  if (reportFile === null) return;
  try {
    const { writeReportFile } = await import('./report-file.ts');
    await writeReportFile(reportFile, {
      text: reportText(ending, { usage: spent.own, warnings }),
      name: `reeve-report-${id}`,
      clock,
    });
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    complain(`${error.message} [${error.code}]\n  ${error.hint ?? ''}`);
  }
}

async function spendOf({ ledger, runs }: ShimWorkplace['store'], id: RunId): Promise<Spent> {
  const inside = (await runsInside(runs, [id])).map(({ intent }) => intent.id);
  return { own: await usageTogether(ledger, [id]), inside: await usageTogether(ledger, inside) };
}
