import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { openEventLog } from '../event-log.ts';
import { parseGraceMs } from '../grace.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { refusalError } from '../refusal.ts';
import { renderReceipt } from '../receipt-text.ts';
import { SCOPE_HELP } from '../select-runs.ts';
import { executeStop } from '../stop/execute.ts';
import { planStop } from '../stop/plan.ts';
import { planJson, receiptJson, renderPlan, titleOf } from '../stop/text.ts';
import { unlocatedText } from '../stop/unlocated.ts';

interface StopOptions {
  readonly all?: boolean;
  readonly grace: string;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', SCOPE_HELP)
    .option('--all', 'every active run')
    .option('--grace <time>', 'time between TERM and KILL, such as 500ms or 0', '10s')
    .option('--dry-run', 'print what would be ended, and signal nothing')
    .option('--json', 'print {receipts}')
    .action(async (words: readonly string[], options: StopOptions) => {
      const graceMs = parseGraceMs(options.grace);
      await using workplace = openWorkplace(io.env);
      const targets = await planStop(workplace, words, options.all ?? false);
      const unlocated = await unlocatedText(workplace, words);
      if (unlocated !== null) io.err(`reeve: ${unlocated}\n`);
      if (targets.length === 0 && !options.all)
        throw new ReeveError('RUN_NOT_FOUND', 'nothing that runs is in this scope', {
          hint: '`reeve ps` lists what runs',
        });
      const table = { color: io.color, width: io.columns };
      if (options.dryRun)
        return io.out(options.json ? `${JSON.stringify(planJson(targets))}\n` : renderPlan(targets, table));
      const { record } = openEventLog(workplace, io);
      const { outcomes, refused } = await executeStop(workplace, targets, { graceMs, io, record });
      const failure = refusalError(refused, 'stopped');
      if (failure !== null && outcomes.length === 0) throw failure;
      emit(io, options, { receipts: outcomes.map(({ target, receipt }) => receiptJson(target, receipt)) }, () =>
        outcomes.length === 0
          ? 'nothing is running\n'
          : outcomes.map(({ target, receipt }) => renderReceipt(titleOf(target), receipt, table)).join(''),
      );
      for (const { unrecorded } of outcomes) {
        if (!unrecorded) continue;
        io.err(`reeve: stopped, but not all of it is on record: ${unrecorded.message} [${unrecorded.code}]\n`);
        io.exitCode = unrecorded.exitCode;
      }
      if (outcomes.some(({ receipt }) => !receipt.provenEmpty)) io.exitCode = 1;
      if (failure !== null) throw failure;
    });
}
