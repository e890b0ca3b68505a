import { isAbsolute, resolve } from 'node:path';
import { identityKey } from '../processes/identity.ts';
import { agentKindOf } from '../processes/kinds.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import { runOfProcess, type ProcessView } from '../runs/run-of-process.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';
import type { Look } from './look-schedule.ts';

/** Where the agents of live runs log, as their own environment says: a wrapper inside the run may have set it. */
export interface RunLogFolders {
  /** True when a live run logs in a folder that nobody knew of. */
  view(look: Look, live: readonly RunRecord[]): boolean;
  /** Folders besides those on the runs' records. */
  readonly folders: readonly string[];
}

const FOLDER_VARIABLE = 'CLAUDE_CONFIG_DIR';

/**
 * Reads the environment of each process of a live run, once for each program that it executes. What has ended before the next look is not
 * seen.
 */
export function createRunLogFolders(table: ProcessTable): RunLogFolders {
  const view: ProcessView = {
    read: (pid) => table.read(pid),
    cookie: (pid) => table.environment(pid, COOKIE_VARIABLE),
  };
  let found: ReadonlyMap<RunId, ReadonlySet<string>> = new Map();
  let examined: ReadonlySet<string> = new Set();

  return {
    view({ rows, news }, live) {
      // A process may have been seen before the record of its run was.
      const isNewRun = live.some(({ intent }) => !found.has(intent.id));
      if (isNewRun) examined = new Set();
      found = new Map(live.map(({ intent: { id } }) => [id, found.get(id) ?? new Set()]));
      if (live.length === 0 || (news === 'none' && !isNewRun)) return false;
      const unseen = rows.filter((row) => !examined.has(programKey(row)));
      examined = new Set(rows.map(programKey));
      return unseen.map((row) => follow(row, live)).includes(true);
    },
    get folders() {
      return [...found.values()].flatMap((folders) => [...folders]);
    },
  };

  /** True when there is another folder to follow. */
  function follow(row: ProcessRow, live: readonly RunRecord[]): boolean {
    const folders = foldersOf(row);
    const run = folders.length === 0 ? null : runOfProcess(row, live, view);
    if (run === null) return false;
    const known = new Set([...(run.intent.logRoots ?? []), ...(found.get(run.intent.id) ?? [])]);
    const more = folders.filter((folder) => !known.has(folder));
    found = new Map([...found, [run.intent.id, new Set([...(found.get(run.intent.id) ?? []), ...more])]]);
    return more.length > 0;
  }

  function foldersOf({ pid }: ProcessRow): readonly string[] {
    const named = table.environment(pid, FOLDER_VARIABLE);
    if (named.kind !== 'value') return [];
    const folders = claudeConfigDirs({ env: { [FOLDER_VARIABLE]: named.value }, home: '/', configured: null });
    if (folders.every((folder) => isAbsolute(folder))) return folders;
    // A relative one is meant from where the agent was started, and only the agent itself is there still.
    const { argv, exe, cwd } = table.details(pid);
    return argv === null || cwd === null || agentKindOf(argv, exe) === null
      ? []
      : folders.map((folder) => resolve(cwd, folder));
  }
}

/** The name and the stamp change with exec, and with them the environment. */
function programKey(row: ProcessRow): string {
  return `${identityKey(row)} ${row.comm} ${row.execStamp ?? ''}`;
}
