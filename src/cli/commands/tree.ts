import type { Command } from 'commander';
import type { Identity } from '../../processes/identity.ts';
import type { Processes } from '../../processes/ports.ts';
import { findMembers } from '../../processes/tree.ts';
import type { RunRecord } from '../../runs/record.ts';
import { redactArguments } from '../../runs/redact.ts';
import { treeSpecOf } from '../../runs/tree-of-run.ts';
import { paint, plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { renderProcessTree } from '../process-tree.ts';
import type { TreeProcess } from '../process-tree.ts';
import { SCOPE_HELP, selectActiveRuns } from '../select-runs.ts';
import { daemonOf } from '../stop/plan.ts';

interface RunTree {
  readonly runId: string;
  readonly processes: readonly TreeProcess[];
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[scope...]', `${SCOPE_HELP}; every active run when absent`)
    .option('--json', 'print {runId, processes} for one named run, {trees} otherwise')
    .action(async (words: readonly string[], options: { readonly json?: boolean }) => {
      await using workplace = openWorkplace(io.env);
      const { runs } = await workplace.store();
      const records = await selectActiveRuns(runs, words, { all: words.length === 0 });
      const processes = await workplace.processes();
      const exclude = daemonOf(workplace);
      const trees = records.map((record) => treeOf(record, processes, exclude));
      const [only] = trees;
      const namesOneRun = words.length === 1 && !words[0]?.includes('=');
      emit(io, options, namesOneRun && only !== undefined ? only : { trees }, () =>
        records
          .map((record, index) => {
            const { id, name } = record.intent;
            const title = paint(name === null ? id : `${plain(name)} (${id})`, 'bold', io.color);
            const living = trees[index]?.processes ?? [];
            return `${title}\n${living.length === 0 ? 'no process\n' : renderProcessTree(living, { color: io.color, width: io.columns })}`;
          })
          .join('\n'),
      );
    });
}

function treeOf(record: RunRecord, { table }: Processes, exclude: readonly Identity[]): RunTree {
  const members = findMembers(treeSpecOf(record, { exclude }), table.list(), table);
  return {
    runId: record.intent.id,
    processes: members.map(({ row, via }): TreeProcess => {
      const { pid, ppid, pgid, sid, startTicks, comm, state } = row;
      const { argv, cwd, rssBytes, cpuMs } = table.details(pid);
      // Secrets on a command line are the run's own business.
      const shown = argv && redactArguments(argv, argv[0]);
      return { pid, ppid, pgid, sid, startTicks, comm, argv: shown, cwd, rssBytes, cpuMs, state, via };
    }),
  };
}
