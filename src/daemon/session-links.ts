import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { identityKey } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { outcomeOf } from '../runs/lifecycle.ts';
import type { RunStore } from '../runs/ports.ts';
import type { RunId, RunRecord } from '../runs/record.ts';
import { sessionsDir } from '../usage/claude/discover.ts';
import { parseRegistryEntry, pidOfRegistryFile } from '../usage/claude/live-registry.ts';
import { SESSION_VARIABLE } from '../usage/claude/process-session.ts';
import { currentSessions, type CurrentSession } from '../usage/current-sessions.ts';
import type { LedgerStore, SessionLink } from '../usage/ports.ts';
import { runOfProcess, type ProcessView } from '../runs/run-of-process.ts';

const AGENT = 'claude';

/** Finds out which live run a session belongs to: by what the kernel says of its processes, never by its folder. */
export interface SessionLinks {
  /** Links by the live registry: a file per session that names process and start time. True when a link is new. */
  byRegistry(live: readonly RunRecord[]): Promise<boolean>;
  /**
   * Links by the environment of tools, for sessions without a registry entry. Each process is looked at once. True when a link is new.
   * @param rows all processes
   */
  byTools(live: readonly RunRecord[], rows: readonly ProcessRow[]): Promise<boolean>;
  /** The sessions that live runs are in now: those seen alive at the last look, else the one a run was last linked to. */
  current(live: readonly RunRecord[]): Promise<readonly CurrentSession[]>;
}

export interface SessionLinksPorts {
  readonly table: ProcessTable;
  readonly ledger: LedgerStore;
  readonly runs: Pick<RunStore, 'list'>;
  readonly now: () => number;
  /** Claude Code's config folders that are watched now. */
  readonly configDirs: () => readonly string[];
}

export function createSessionLinks(ports: SessionLinksPorts): SessionLinks {
  const { table, ledger } = ports;
  /** The run that each session is in, as far as it is in the ledger. */
  const linked = new Map<string, RunId>();
  let examined = new Set<string>();
  let seenAlive: readonly CurrentSession[] = [];
  const view: ProcessView = {
    read: (pid) => table.read(pid),
    cookie: (pid) => table.environment(pid, COOKIE_VARIABLE),
  };

  /** @param isThere the run's agent says that it is in the session now; of a tool that was started in it this is not known */
  async function link(session: CurrentSession, run: RunRecord, isThere: boolean): Promise<boolean> {
    const { sessionId, runId } = session;
    if (linked.get(sessionId) === runId) return false;
    const known = (await ledger.links({ sessionId })).filter(({ agent }) => agent === AGENT);
    const own = known.find((one) => one.runId === runId);
    if (own === undefined) await ledger.linkSession({ agent: AGENT, ...session, fromMs: await sinceWhen(run, known) });
    if (own === undefined || (isThere && (await takeBack(own, known)))) linked.set(sessionId, runId);
    return own === undefined;
  }

  /** Those that were in the session after this run have left it to this one, unless they live. False while one does. */
  async function takeBack(own: SessionLink, known: readonly SessionLink[]): Promise<boolean> {
    const later = known.filter(({ fromMs }) => fromMs > own.fromMs);
    if (later.length === 0) return true;
    const ends = await endsOf(later.map(({ runId }) => runId));
    for (const other of later) {
      const untilMs = ends.get(other.runId);
      if (untilMs !== undefined) await ledger.leaveSession({ ...other, untilMs });
    }
    return later.every(({ runId }) => ends.get(runId) !== undefined);
  }

  /**
   * Entries of the session count for the run from its own beginning on; what an earlier run spent in it stays that run's. Where younger runs
   * were in it, this run's agent has resumed it since: from the end of the last of them on, or from now if it goes on elsewhere.
   */
  async function sinceWhen({ intent }: RunRecord, known: readonly SessionLink[]): Promise<number> {
    const younger = known.filter(({ fromMs }) => fromMs > intent.createdAt).map(({ runId }) => runId);
    if (younger.length === 0) return intent.createdAt;
    const ends = await endsOf(younger);
    return Math.max(...younger.map((id) => ends.get(id) ?? ports.now()));
  }

  async function endsOf(ids: readonly RunId[]): Promise<ReadonlyMap<RunId, number | undefined>> {
    const records = await ports.runs.list({ ids });
    return new Map(records.map(({ intent, current }) => [intent.id, outcomeOf(current)?.completedAt]));
  }

  return {
    async byRegistry(live) {
      seenAlive = [];
      if (live.length === 0) return false;
      const alive: CurrentSession[] = [];
      let isNew = false;
      for (const dir of ports.configDirs()) {
        for (const entry of await liveEntries(sessionsDir(dir), table)) {
          const run = runOfProcess(entry.row, live, view);
          if (run === null) continue;
          const session = { runId: run.intent.id, sessionId: entry.sessionId };
          alive.push(session);
          if (await link(session, run, true)) isNew = true;
        }
      }
      seenAlive = alive;
      return isNew;
    },

    async byTools(live, rows) {
      if (live.length === 0) return false;
      let isNew = false;
      for (const row of rows) {
        // The name changes with exec, and with it the environment.
        if (examined.has(`${identityKey(row)} ${row.comm}`)) continue;
        const found = table.environment(row.pid, SESSION_VARIABLE);
        const run = found.kind === 'value' && found.value !== '' ? runOfProcess(row, live, view) : null;
        if (found.kind !== 'value' || run === null) continue;
        // Another may have the PID of one that was seen a while ago.
        if (table.read(row.pid)?.startTicks !== row.startTicks) continue;
        if (await link({ runId: run.intent.id, sessionId: found.value }, run, false)) isNew = true;
      }
      examined = new Set(rows.map((row) => `${identityKey(row)} ${row.comm}`));
      return isNew;
    },

    current: (live) =>
      currentSessions(
        ledger,
        live.map((run) => run.intent.id),
        seenAlive,
      ),
  };
}

interface RegistryEntry {
  readonly row: ProcessRow;
  readonly sessionId: string;
}

/** Entries whose process lives and is the one that wrote them. A KILL leaves entries behind, so the start time is compared. */
async function liveEntries(folder: string, table: ProcessTable): Promise<readonly RegistryEntry[]> {
  const entries: RegistryEntry[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = pidOfRegistryFile(name);
    const row = pid === null ? null : table.read(pid);
    if (row === null) continue;
    const entry = parseRegistryEntry(await textOf(join(folder, name)));
    if (entry !== null && entry.startTicks === row.startTicks) entries.push({ row, sessionId: entry.sessionId });
  }
  return entries;
}

/** Empty for what is no file: whoever may write there can put a named pipe in its place, which would be waited on for ever. */
async function textOf(file: string): Promise<string> {
  try {
    return (await stat(file)).isFile() ? await readFile(file, 'utf8') : '';
  } catch {
    return '';
  }
}
