import type { Command } from 'commander';
import { toWarningJson } from '../../limits/warning.ts';
import { toRestartsJson } from '../../runs/restarts-view.ts';
import { toRunJson } from '../../runs/view.ts';
import { findRun } from '../find-run.ts';
import { formatDuration } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { renderReceipt } from '../receipt-text.ts';
import { renderRestarts } from '../restarts-text.ts';
import { renderRun } from '../run-text.ts';
import { renderWarning } from '../warnings.ts';
import { usageOfRuns } from '../../usage/run-usage.ts';

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<run>', 'id, unique prefix or name')
    .option('--json', 'print the record with its receipts, restarts and warnings')
    .action(async (word: string, options: { readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const { runs, ledger, lockouts } = await workplace.store();
      const record = await findRun(runs, word);
      const receipts = await runs.receipts(record.intent.id);
      const usage = await usageOfRuns(ledger, [record.intent.id]);
      const run = toRunJson(record, usage.get(record.intent.id) ?? null);
      const warnings = await lockouts.warnings({ runId: record.intent.id });
      const restarts = toRestartsJson(record);
      const now = workplace.clock.now();
      emit(io, options, { ...run, receipts, restarts, warnings: warnings.map(toWarningJson) }, () =>
        [
          renderRun(run, { color: io.color, now }),
          ...(restarts === null ? [] : [renderRestarts(restarts, { color: io.color, now })]),
          ...(warnings.length === 0 ? [] : [warnings.map((warning) => `${renderWarning(warning, now)}\n`).join('')]),
          ...receipts.map((receipt) =>
            renderReceipt(`receipt (${receipt.reason}, ${formatDuration(receipt.elapsedMs)})`, receipt, {
              color: io.color,
              width: io.columns,
            }),
          ),
        ].join('\n'),
      );
    });
}
