import { isAbsolute } from 'node:path';
import { identityKey } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import { runOfProcess, type ProcessView } from '../runs/run-of-process.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';
import { createLookSchedule, LOOK_MS } from './look-schedule.ts';

/** Where the agents of live runs log, as their own environment says: a wrapper inside the run may have set it. */
export interface RunLogFolders {
  start(): void;
  /** Folders besides those on the runs' records. */
  readonly folders: readonly string[];
  close(): void;
}

export interface RunLogFoldersPorts {
  readonly table: ProcessTable;
  readonly live: () => readonly RunRecord[];
  /** A live run logs in a folder that nobody knew of. */
  readonly onFound: () => void;
  readonly onError: (error: unknown) => void;
}

const FOLDER_VARIABLE = 'CLAUDE_CONFIG_DIR';

/**
 * Reads the environment of each process of a live run, once for each program that it executes. What has ended before the next look is not
 * seen.
 */
export function createRunLogFolders(ports: RunLogFoldersPorts): RunLogFolders {
  const { table } = ports;
  const schedule = createLookSchedule(table);
  const view: ProcessView = {
    read: (pid) => table.read(pid),
    cookie: (pid) => table.environment(pid, COOKIE_VARIABLE),
  };
  let found: ReadonlyMap<RunId, ReadonlySet<string>> = new Map();
  let examined: ReadonlySet<string> = new Set();
  let timer: NodeJS.Timeout | null = null;

  return {
    start() {
      timer = setInterval(() => {
        try {
          if (look(ports.live())) ports.onFound();
        } catch (error) {
          ports.onError(error);
        }
      }, LOOK_MS);
    },
    get folders() {
      return [...found.values()].flatMap((folders) => [...folders]);
    },
    close() {
      if (timer !== null) clearInterval(timer);
    },
  };

  /** True when there is another folder to follow. */
  function look(live: readonly RunRecord[]): boolean {
    // A process may have been seen before the record of its run was.
    const isNewRun = live.some(({ intent }) => !found.has(intent.id));
    if (isNewRun) examined = new Set();
    found = new Map(live.map(({ intent: { id } }) => [id, found.get(id) ?? new Set()]));
    if (live.length === 0) return false;
    const isDue = schedule.isDue() !== null;
    if (!isDue && !isNewRun) return false;
    const rows = table.list();
    const unseen = rows.filter((row) => !examined.has(programKey(row)));
    examined = new Set(rows.map(programKey));
    return unseen.map((row) => follow(row, live)).includes(true);
  }

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
    // A relative one means whatever folder the agent was started in.
    if (named.kind !== 'value' || !isAbsolute(named.value)) return [];
    return claudeConfigDirs({ env: { [FOLDER_VARIABLE]: named.value }, home: '/', configured: null });
  }
}

/** The name and the stamp change with exec, and with them the environment. */
function programKey(row: ProcessRow): string {
  return `${identityKey(row)} ${row.comm} ${row.execStamp ?? ''}`;
}
