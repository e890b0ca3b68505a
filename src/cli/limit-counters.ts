import { uptime } from 'node:os';
import type { Config } from '../config/config.ts';
import { createClaudeLogs } from '../host/claude-logs.ts';
import { loadConfig } from '../host/config-file.ts';
import { placeOf } from '../host/git-place.ts';
import { placeOfLog } from '../host/log-place.ts';
import { countersOf } from '../limits/counter.ts';
import type { Counter } from '../limits/counter.ts';
import { gatherFacts } from '../limits/gather-facts.ts';
import type { Allowance } from '../limits/lockout.ts';
import { ACTIVE_STATES, startedOf } from '../runs/lifecycle.ts';
import { createCollector } from '../usage/collector.ts';
import { currentSessions } from '../usage/current-sessions.ts';
import { createPrices } from '../usage/prices.ts';
import type { CliIo } from './io.ts';
import { tellLogProblems } from './log-problems.ts';
import type { Workplace } from './open.ts';
import { usageSettings } from './usage-settings.ts';

/** The limits in force and what has been used of each. */
export interface LimitReading {
  readonly config: Config;
  readonly counters: readonly Counter[];
  readonly allowances: readonly Allowance[];
  readonly now: number;
}

/**
 * Reads what the daemon would judge at this moment: the logs to their ends, then the counters of every limit and of live runs' caps.
 * What cannot be read is said on stderr: it is missing from the counters.
 * @throws CONFIG_INVALID
 */
export async function readLimits(workplace: Workplace, io: CliIo): Promise<LimitReading> {
  const { paths, clock } = workplace;
  const config = await loadConfig(paths);
  const store = await workplace.store();
  await readLogs(workplace, io);
  const { table } = await workplace.processes();
  const live = (await store.runs.list({ states: ACTIVE_STATES })).filter((run) => startedOf(run.current) !== null);
  const ids = live.map((run) => run.intent.id);
  const sessions = await currentSessions(store.ledger, ids, []);
  const elapsedSince = (startTicks: number): number => uptime() * 1_000 - (startTicks / table.ticksPerSecond) * 1_000;
  const { limits, calendar } = config;
  const facts = await gatherFacts({
    store,
    limits,
    calendar,
    live,
    sessions,
    elapsedSince,
    branchOf: (worktree) => placeOf(worktree).branch,
    now: clock.now(),
  });
  return { config, counters: countersOf(limits, facts), allowances: facts.allowances, now: facts.now };
}

async function readLogs(workplace: Workplace, io: CliIo): Promise<void> {
  const { paths, clock } = workplace;
  const { unknownModel, claudeDirs, zoneDoubt } = await usageSettings(paths, io.env);
  if (zoneDoubt !== null) io.err(`reeve: ${zoneDoubt}\n`);
  const { ledger } = await workplace.store();
  const sources = [createClaudeLogs({ configDirs: claudeDirs, clock })];
  const prices = createPrices({ unknownModel });
  const report = await createCollector({ ledger, sources, prices, clock, placeOf: placeOfLog }).scan();
  tellLogProblems(io, report.problems);
}
