import { hostname } from 'node:os';
import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { interruptRuns, type InterruptRequest } from '../../runs/interrupt.ts';
import { selectToInterrupt } from '../../runs/interrupt-scope.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import type { RunStore } from '../../runs/ports.ts';
import type { RunRecord } from '../../runs/record.ts';
import type { Interrupter } from '../../runs/registry-ports.ts';
import { parseScope, type Scope } from '../../runs/scope.ts';
import { createTableInterrupter } from '../../runs/table-interrupter.ts';
import { findMembers } from '../../processes/tree.ts';
import { treeSpecOf } from '../../runs/tree-of-run.ts';
import { openRunClaims } from '../claim-ports.ts';
import { parseGraceMs } from '../grace.ts';
import { renderInterrupt } from '../interrupt-text.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openEventLog } from '../event-log.ts';
import { openWorkplace, type Workplace } from '../open.ts';
import { canonicalWords, SCOPE_HELP } from '../select-runs.ts';
import { handOver } from '../stop/execute.ts';
import { daemonOf } from '../stop/plan.ts';

interface InterruptOptions {
  readonly all?: boolean;
  readonly hard?: boolean;
  readonly dryRun?: boolean;
  readonly reason?: string;
  readonly grace?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', SCOPE_HELP)
    .option('--all', 'every active run')
    .option('--hard', 'end the matched runs with their whole trees, verified, instead of asking')
    .option('--dry-run', 'print what would be signalled, and signal nothing')
    .option('--reason <text>', 'why; stays on the record')
    .option('--grace <time>', 'how long a run may take to end before it counts as going on; with --hard before KILL')
    .option('--json', 'print {matched, signaled, stale, unavailable, runs}')
    .action(async (words: readonly string[], options: InterruptOptions) => {
      const scope = scopeOfWords(words, options.all ?? false);
      const graceMs = options.grace === undefined ? null : parseGraceMs(options.grace);
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const matched = scope === null ? await everyActive(runs) : await selectToInterrupt(runs, scope);
      const interrupter = await openInterrupter(workplace, io);
      const ports = { runs, clock: workplace.clock, interrupter, live: new Map() };
      const report = await interruptRuns(ports, matched, requestOf(options, graceMs));
      emit(io, options, report, () =>
        renderInterrupt(report, matched.selected, {
          dryRun: options.dryRun ?? false,
          table: { color: io.color, width: io.columns },
        }),
      );
      if (report.unavailable > 0) io.exitCode = 1;
    });
}

/** Null: every active run. @throws SCOPE_EMPTY, USAGE */
function scopeOfWords(words: readonly string[], all: boolean): Scope | null {
  if (!all) return parseScope(canonicalWords(words));
  if (words.length === 0) return null;
  throw new ReeveError('USAGE', '--all and a scope exclude each other', { hint: 'leave out one of the two' });
}

async function everyActive(runs: RunStore) {
  const active = await runs.list({ states: ACTIVE_STATES });
  return { selected: active, active };
}

function requestOf({ hard, dryRun, reason }: InterruptOptions, graceMs: number | null): InterruptRequest {
  return {
    hard: hard ?? false,
    dryRun: dryRun ?? false,
    ...(reason !== undefined && { reason }),
    ...(graceMs !== null && { graceMs, waitMs: graceMs }),
  };
}

/** This command as the executor, but for the tree that it is in itself: there another's hand ends it last. */
async function openInterrupter(workplace: Workplace, io: CliIo): Promise<Interrupter> {
  const { table, signaller, self } = await workplace.processes();
  const { runs } = await workplace.store();
  const { clock } = workplace;
  const exclude = () => daemonOf(workplace);
  const claims = await openRunClaims(workplace, io);
  const { record: announce } = openEventLog(workplace, io);
  const own = createTableInterrupter({
    runs,
    table,
    signaller,
    self,
    clock,
    host: hostname(),
    exclude,
    claims,
    announce,
  });
  const isInside = (record: RunRecord): boolean =>
    findMembers(treeSpecOf(record, { exclude: exclude() }), table.list(), table).some(
      ({ row }) => row.pid === self.pid,
    );
  return {
    ...own,
    async stop(record, { message, graceMs }) {
      if (!isInside(record)) return own.stop(record, { message, graceMs });
      const receipt = await handOver(workplace, record, { graceMs, env: io.env, reason: 'interrupt', message });
      return { record, provenEmpty: receipt.provenEmpty };
    },
  };
}
