import { closeSync, existsSync, fstatSync, readdirSync, readSync, statSync } from 'node:fs';
import type { AgentProcess, AgentSession, SessionFinder } from '../claims/agent-session.ts';
import type { Clock } from '../clock.ts';
import { identityKey } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { claudeConfigDirs, projectsDir } from '../usage/claude/discover.ts';
import { parseRegistryEntry, registryFile } from '../usage/claude/live-registry.ts';
import { logFolderOf, SESSION_VARIABLE, sessionInArguments, sessionOfLog } from '../usage/claude/process-session.ts';
import { openRegularFile, readRegularFile } from './regular-file.ts';

/** The agent whose sessions can be told so far. */
const AGENT = 'claude';
/** Lines say the working folder; the last ones of a log are looked at. */
const TAIL_BYTES = 64 * 1024;
/**
 * What a log may seem older than the process that wrote it: start times and the uptime that they are compared with are in ticks of 10 ms, and
 * file systems take the kernel's coarse clock, which is a few milliseconds behind.
 */
const CLOCK_SLACK_MS = 50;

export interface AgentSessionsPorts {
  readonly table: ProcessTable;
  /** All processes, for the tools of agents. @defaultValue as they are when asked for */
  readonly rows?: () => readonly ProcessRow[];
  readonly clock: Clock;
  /** Claude Code's config folders, for processes whose environment does not say or cannot be read. */
  readonly configDirs: () => readonly string[];
}

/**
 * Finds the session of each Claude Code process, the surest evidence first: its live registry, a tool of it, a log that it has open; then
 * what its command line names, then the only log of its folder that was written since it began. Claude Code does not keep its log open
 * (measured with 2.1.197), so the kernel alone does not tell.
 */
export function createAgentSessions(ports: AgentSessionsPorts): SessionFinder {
  const { table, rows = () => table.list() } = ports;
  return {
    sessionsOf(agents) {
      const ours = agents.filter(({ kind }) => kind === AGENT).map((agent) => ({ ...agent, dirs: dirsOf(agent.row) }));
      const found = new Map<string, AgentSession>();
      const unsure: typeof ours = [];
      const tools = lazyTools({ table, rows }, agents);
      for (const agent of ours) {
        const session = certainSession(agent, tools);
        if (session === null) unsure.push(agent);
        else found.set(identityKey(agent.row), session);
      }
      // Whom the others are surely in is nobody else's: so these come last.
      const taken = new Set([...found.values()].map(({ id }) => id));
      for (const agent of unsure) {
        const session = likelySession(agent, { taken, isAlone: isAloneIn(agent, unsure) });
        if (session !== null) found.set(identityKey(agent.row), session);
      }
      return found;
    },
    logOf(sessionId) {
      const path = findLog(sessionId, ports.configDirs(), null);
      const modifiedMs = path === null ? null : modifiedMsOf(path);
      return path === null || modifiedMs === null ? null : { path, modifiedMs };
    },
    mayWrite: ({ kind, row }, log) =>
      kind === AGENT && dirsOf(row).some((dir) => log.startsWith(`${projectsDir(dir)}/`)),
  };

  /** Where the process itself keeps its files; what its environment does not say, ours says. */
  function dirsOf({ pid }: ProcessRow): readonly string[] {
    const read = (name: string): string | undefined => {
      const found = table.environment(pid, name);
      return found.kind === 'value' ? found.value : undefined;
    };
    const home = read('HOME');
    if (home === undefined) return ports.configDirs();
    const env = { CLAUDE_CONFIG_DIR: read('CLAUDE_CONFIG_DIR'), XDG_CONFIG_HOME: read('XDG_CONFIG_HOME') };
    return claudeConfigDirs({ env, home, configured: null });
  }

  function certainSession(agent: PlacedProcess, tools: ToolSessions): AgentSession | null {
    const { row, dirs, cwd } = agent;
    const known = (id: string, knownBy: string, log = findLog(id, dirs, cwd)): AgentSession => ({
      id,
      log,
      certainty: 'certain',
      knownBy,
    });
    for (const dir of dirs) {
      const entry = parseRegistryEntry(textOf(registryFile(dir, row.pid)));
      // A KILL leaves entries behind, and the PID may be another's by now.
      if (entry !== null && entry.startTicks === row.startTicks)
        return known(entry.sessionId, 'its own live registry names it');
    }
    const tool = tools.of(row);
    if (tool !== null) return known(tool.session, `PID ${tool.pid}, which it started, has it in its environment`);
    for (const file of table.openFiles?.(row.pid) ?? []) {
      const id = sessionOfLog(file);
      if (id !== null) return known(id, 'it has the log open', file);
    }
    return null;
  }

  function likelySession(
    { row, dirs, cwd }: PlacedProcess,
    { taken, isAlone }: { readonly taken: ReadonlySet<string>; readonly isAlone: boolean },
  ): AgentSession | null {
    const likely = (id: string, knownBy: string, log: string | null): AgentSession => ({
      id,
      log,
      certainty: 'likely',
      knownBy,
    });
    const named = sessionInArguments(table.details(row.pid).argv ?? []);
    if (named !== null && !taken.has(named))
      return likely(named, 'its command line names it', findLog(named, dirs, cwd));
    const startedAt = startOf(row);
    // Of two in one folder nobody could say whose log it is.
    if (cwd === null || startedAt === null || !isAlone) return null;
    const candidates = dirs.flatMap((dir) => logsSince(dir, cwd, startedAt)).filter(({ id }) => !taken.has(id));
    const [only, other] = candidates;
    if (only === undefined || other !== undefined) return null;
    return likely(only.id, 'it is the only log of its folder that was written since it began', only.path);
  }

  function startOf({ startTicks }: ProcessRow): number | null {
    const nowTicks = table.nowTicks?.();
    if (nowTicks === undefined) return null;
    return ports.clock.now() - ((nowTicks - startTicks) * 1000) / table.ticksPerSecond - CLOCK_SLACK_MS;
  }
}

type PlacedProcess = AgentProcess & { readonly dirs: readonly string[] };

interface ToolSessions {
  of(row: ProcessRow): { readonly pid: number; readonly session: string } | null;
}

/** Sessions that descendants name, nearest first, not looking below other agents. The processes are asked for when first needed. */
function lazyTools(
  { table, rows }: Required<Pick<AgentSessionsPorts, 'table' | 'rows'>>,
  agents: readonly AgentProcess[],
): ToolSessions {
  let children: ReadonlyMap<number, readonly ProcessRow[]> | null = null;
  const others = new Set(agents.map(({ row }) => row.pid));
  return {
    of(agent) {
      children ??= Map.groupBy(rows(), ({ ppid }) => ppid);
      const next = [...(children.get(agent.pid) ?? [])];
      for (let row = next.shift(); row !== undefined; row = next.shift()) {
        if (others.has(row.pid)) continue;
        const found = table.environment(row.pid, SESSION_VARIABLE);
        if (found.kind === 'value' && found.value !== '') return { pid: row.pid, session: found.value };
        next.push(...(children.get(row.pid) ?? []));
      }
      return null;
    },
  };
}

function isAloneIn({ cwd, row }: PlacedProcess, agents: readonly PlacedProcess[]): boolean {
  return !agents.some((other) => other.cwd === cwd && other.row.pid !== row.pid);
}

/** The log of a session: below the folder it works in, else below any other, for it may have begun elsewhere. */
function findLog(sessionId: string, dirs: readonly string[], cwd: string | null): string | null {
  // It comes from outside, and becomes a path.
  if (sessionOfLog(`/projects/x/${sessionId}.jsonl`) === null) return null;
  for (const dir of dirs) {
    const own = cwd === null ? null : logFolderOf(dir, cwd);
    const folders = namesIn(projectsDir(dir)).map((name) => `${projectsDir(dir)}/${name}`);
    const found = [...(own === null ? [] : [own]), ...folders]
      .map((folder) => `${folder}/${sessionId}.jsonl`)
      .find((path) => existsSync(path));
    if (found !== undefined) return found;
  }
  return null;
}

/** The logs of a working folder that were written to since a time. */
function logsSince(
  dir: string,
  cwd: string,
  sinceMs: number,
): readonly { readonly id: string; readonly path: string }[] {
  const folder = logFolderOf(dir, cwd);
  if (folder === null) return [];
  return namesIn(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    const id = sessionOfLog(path);
    const modifiedMs = modifiedMsOf(path) ?? 0;
    return id !== null && modifiedMs >= sinceMs && tailOf(path).includes(`"cwd":${JSON.stringify(cwd)}`)
      ? [{ id, path }]
      : [];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Null for what is gone, and for a link that cannot be followed. */
function modifiedMsOf(file: string): number | null {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return null;
  }
}

function textOf(file: string): string {
  try {
    return readRegularFile(file);
  } catch {
    return '';
  }
}

function tailOf(file: string): string {
  try {
    const fd = openRegularFile(file);
    try {
      const { size } = fstatSync(fd);
      const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
      return bytes.toString('utf8', 0, readSync(fd, bytes, 0, bytes.length, size - bytes.length));
    } finally {
      closeSync(fd);
    }
  } catch {
    return '';
  }
}
