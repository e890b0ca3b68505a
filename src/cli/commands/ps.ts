import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import type { RunQuery } from '../../runs/ports.ts';
import type { RunStateName } from '../../runs/record.ts';
import { toRunJson } from '../../runs/view.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { wholeNumber } from '../whole-number.ts';
import { renderRuns } from '../run-text.ts';
import { usageOfRuns } from '../../usage/run-usage.ts';
import { SCOPE_HELP, selectInScope } from '../select-runs.ts';

interface PsOptions {
  readonly all?: boolean;
  readonly state?: readonly string[];
  readonly limit: string;
  readonly json?: boolean;
}

const STATES: readonly RunStateName[] = [...ACTIVE_STATES, 'completed', 'failed', 'interrupted', 'stale'];

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', SCOPE_HELP)
    .option('--all', 'finished runs too')
    .option('--state <state...>', `only these: ${STATES.join(', ')}`)
    .option('--limit <count>', 'at most this many, the most recently changed; 0 = all', '0')
    .option('--json', 'print {runs}')
    .action(async (words: readonly string[], options: PsOptions) => {
      const limit = wholeNumber('--limit', options.limit);
      const query: RunQuery = statesOf(options);
      await using workplace = openWorkplace(io.env);
      const { runs, ledger } = await workplace.store();
      // A scope is decided here, so the store must not cut the list before.
      const found = await runs.list(words.length === 0 ? { ...query, limit } : query);
      const selected = words.length === 0 ? found : selectInScope(found, words);
      const shown = limit === 0 ? selected : selected.slice(0, limit);
      const usage = await usageOfRuns(
        ledger,
        shown.map(({ intent }) => intent.id),
      );
      const views = shown.map((record) => toRunJson(record, usage.get(record.intent.id) ?? null));
      emit(io, options, { runs: views }, () =>
        renderRuns(views, { color: io.color, width: io.columns, now: workplace.clock.now() }),
      );
    });
}

function statesOf(options: PsOptions): RunQuery {
  const unknown = (options.state ?? []).find((state) => !(STATES as readonly string[]).includes(state));
  if (unknown !== undefined)
    throw new ReeveError('USAGE', `there is no state "${unknown}"`, { hint: `states are ${STATES.join(', ')}` });
  if (options.state !== undefined) return { states: options.state as readonly RunStateName[] };
  return options.all ? {} : { states: ACTIVE_STATES };
}
