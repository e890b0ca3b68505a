import { existsSync } from 'node:fs';
import { Argument, type Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { createClaudeLogs } from '../../host/claude-logs.ts';
import { startLogThreads } from '../../host/log-pool.ts';
import { placeOfLog } from '../../host/log-place.ts';
import { AGENT_KINDS } from '../../processes/kinds.ts';
import { createCollector } from '../../usage/collector.ts';
import type { LedgerStore, UsageQuery } from '../../usage/ports.ts';
import { createPrices } from '../../usage/prices.ts';
import { reportOf } from '../../usage/report.ts';
import { unmeteredSessions } from '../../usage/unmetered.ts';
import type { CliIo } from '../io.ts';
import { emit, resolveTyped } from '../io.ts';
import { tellLogProblems } from '../log-problems.ts';
import { openWorkplace } from '../open.ts';
import { projectCalled } from '../project-called.ts';
import { dayRange } from '../usage-days.ts';
import { renderUsage, usageJson } from '../usage-output.ts';
import { sumsPerPeriod, USAGE_KINDS, type UsageKind } from '../usage-periods.ts';
import { usageSettings } from '../usage-settings.ts';

interface UsageOptions {
  readonly since?: string;
  readonly until?: string;
  readonly project?: string;
  readonly branch?: string;
  readonly agent?: string;
  readonly breakdown?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .addArgument(new Argument('[by]', 'what one line covers').choices(USAGE_KINDS).default('daily'))
    .option('--since <day>', 'from this local day on: 2026-11-21, 20261121')
    .option('--until <day>', 'up to this local day, included')
    .option('--project <path>', 'only this project; its name does, too')
    .option('--branch <name>', 'only this branch')
    .option('--agent <kind>', 'only this agent, e.g. claude')
    .option('--breakdown', 'one line per project, branch, agent and model')
    .option('--json', 'print {entries, totals, unmeteredSessions}')
    .action(async (by: UsageKind, options: UsageOptions) => {
      // Left open when it ends, as `run` does: every commit is on disk, and a first scan would wait for all it wrote to be moved.
      const workplace = openWorkplace(io.env);
      const { paths, clock } = workplace;
      // A first scan reads all there is.
      const threads = existsSync(paths.database) ? null : startLogThreads();
      const { calendar, unknownModel, claudeDirs, zoneDoubt } = await usageSettings(paths, io.env);
      if (zoneDoubt !== null) io.err(`reeve: ${zoneDoubt}\n`);
      const range = await dayRange(options, calendar);
      assertKnownAgent(options.agent);
      const { ledger } = await workplace.store();
      const collector = createCollector({
        ledger,
        sources: [createClaudeLogs({ configDirs: claudeDirs, clock, threads })],
        prices: createPrices({ unknownModel }),
        clock,
        placeOf: placeOfLog,
      });
      tellLogProblems(io, (await collector.scan()).problems);
      const query = { ...range, ...(await selection(options, { ledger, io })) };
      const sums = await sumsPerPeriod(ledger, { kind: by, query, calendar });
      const breakdown = options.breakdown ?? false;
      const report = reportOf(sums, { breakdown });
      const unmetered = (await unmeteredSessions(ledger, query)).length;
      const { color, columns: width } = io;
      emit(io, options, usageJson(report, unmetered), () =>
        renderUsage(report, { by, breakdown, unmetered, color, width }),
      );
    });
}

/** Before the logs are read, which may take long. @throws USAGE */
function assertKnownAgent(agent: string | undefined): void {
  if (agent === undefined || AGENT_KINDS.includes(agent)) return;
  throw new ReeveError('USAGE', `--agent cannot be "${agent}"`, { hint: `kinds are ${AGENT_KINDS.join(', ')}` });
}

interface KnownProjects {
  readonly ledger: LedgerStore;
  /** Asked for its folder only where a path is relative to it. */
  readonly io: Pick<CliIo, 'cwd'>;
}

async function selection(
  { project, branch, agent }: UsageOptions,
  known: KnownProjects,
): Promise<Pick<UsageQuery, 'project' | 'branch' | 'agent'>> {
  return {
    ...(project === undefined ? {} : { project: await projectOf(project, known) }),
    ...(branch === undefined ? {} : { branch }),
    ...(agent === undefined ? {} : { agent }),
  };
}

/** A folder, also one that is gone, or else the name of a project that the ledger knows. */
async function projectOf(word: string, { ledger, io }: KnownProjects): Promise<string> {
  if (word === '') throw new ReeveError('USAGE', '--project is empty', { hint: 'give a path, a name, or .' });
  const path = resolveTyped(io, word);
  if (existsSync(path)) return placeOfLog(path).project;
  if (word.includes('/')) return path;
  const projects = (await ledger.sums({}, ['project'])).flatMap((sum) => sum.project ?? []);
  return projectCalled(word, projects, 'projects') ?? path;
}
