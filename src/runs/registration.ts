import { ReeveError } from '../errors.ts';
import type { Identity } from '../processes/identity.ts';
import type { ObservedProcess, PlaceOf, RegistryPorts, Verifier } from './registry-ports.ts';
import { NO_OWNER, SOURCES, type Owner, type RunId, type RunIntent, type RunStarted, type Source } from './record.ts';
import { redactArguments } from './redact.ts';
import { redactId, redactLabels } from './redact-id.ts';
import { runIdOfCookie } from './run-id.ts';

/** What names a process: its PID, and as much as the caller knows about when it began. */
export interface NamedProcess {
  readonly pid?: number;
  /** Start time in clock ticks since boot (proc(5), field 22 of `/proc/pid/stat`). Absent = observed now. */
  readonly startTicks?: number;
  /** When it was started, in epoch ms, to within two seconds. Absent = observed now. */
  readonly startedAt?: number;
  readonly processGroupId?: number;
}

/** A callback of whoever runs the work: asks it to end. */
export type LiveInterrupt = (reason: string | null) => void | Promise<void>;

export interface RegisterRequest extends NamedProcess {
  /** `run_` and a ULID. Absent = made. */
  readonly id?: string;
  readonly source: Source;
  readonly owner?: Partial<Owner>;
  readonly command: string;
  readonly args?: readonly string[];
  /** Absolute folder that it works in. */
  readonly cwd: string;
  readonly name?: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** A soft interrupt from this process calls it instead of sending SIGINT. */
  readonly interrupt?: LiveInterrupt;
  /** Time between TERM and KILL when it is stopped, in milliseconds. @defaultValue 10_000 */
  readonly graceMs?: number;
}

/** Two clocks are compared, one of them in ticks: what differs by more is another process. */
const START_TOLERANCE_MS = 2_000;
const DEFAULT_GRACE_MS = 10_000;

/**
 * The record of what is to be registered. Secrets are redacted, and long arguments cut with a mark.
 * @throws USAGE naming the field, FOLDER_NOT_FOUND
 */
export function intentOf(ports: RegistryPorts, request: RegisterRequest): RunIntent {
  const { clock, ids, outerCookie } = ports;
  const createdAt = clock.now();
  const { command, args = [], cwd, source, graceMs = DEFAULT_GRACE_MS } = request;
  if (!SOURCES.includes(source)) throw refused('source', source, `It is one of ${SOURCES.join(', ')}.`);
  if (command.trim() === '') throw refused('command', command, 'Say what runs.');
  if (!(Number.isSafeInteger(graceMs) && graceMs >= 0))
    throw refused('graceMs', String(graceMs), 'Give whole milliseconds from 0.');
  const id = (request.id ?? ids.newRunId(createdAt)) as RunId;
  return {
    id,
    name: request.name?.trim() ?? null,
    labels: redactLabels(request.labels ?? {}),
    parentRunId: outerCookie === null ? null : runIdOfCookie(outerCookie),
    startedBy: ports.startedBy,
    source,
    owner: withOwner(NO_OWNER, request.owner ?? {}),
    command: redactArguments([command])[0] ?? '',
    args: redactArguments(args, command),
    cwd,
    ...placeIn(ports.placeOf, cwd),
    agent: ports.agentOf([command, ...args]),
    cookie: ids.newCookie(id, outerCookie),
    host: ports.host,
    // Its output and its input are not ours to keep.
    background: false,
    caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: null },
    limited: false,
    graceMs,
    keepBackground: false,
    shim: null,
    registrant: ports.registrant,
    protocol: ports.protocol,
    createdAt,
  };
}

/** Ids that are given replace those before, trimmed; blank ones say nothing. @throws USAGE naming an id that no owner has */
export function withOwner(before: Owner, given: Partial<Owner>): Owner {
  const after: Record<keyof Owner, string | null> = { ...before };
  for (const [key, value] of Object.entries(given)) {
    if (!isOwnerKey(key)) throw refused('owner', key, `Its ids are ${Object.keys(NO_OWNER).join(', ')}.`);
    const text = value?.trim() ?? '';
    if (text !== '') after[key] = redactId(text);
  }
  return after;
}

/**
 * The process that a caller names, as it is seen now. Null when none is named.
 * @throws OWNERSHIP_UNPROVEN when nobody has the PID, it cannot be read, or what the caller knows is true of another process
 */
export function proveProcess(verifier: Verifier, named: NamedProcess): RunStarted | null {
  const { pid, startTicks, startedAt, processGroupId } = named;
  if (pid === undefined) return null;
  // PIDs 0 and 1 are everybody's; a negative one is a group.
  const seen = Number.isSafeInteger(pid) && pid > 1 ? verifier.observe(pid) : null;
  if (seen === null) throw unproven(pid, 'no such process can be seen', 'Register a process while it runs.');
  const { identity } = seen;
  if (startTicks !== undefined && startTicks !== identity.startTicks)
    throw unproven(pid, `it was started at tick ${identity.startTicks}, not ${startTicks}`, OTHER_PROCESS);
  if (startedAt !== undefined && Math.abs(startedAt - seen.startedAt) > START_TOLERANCE_MS)
    throw unproven(pid, `it was started at ${isoOf(seen.startedAt)}, not ${isoOf(startedAt)}`, OTHER_PROCESS);
  if (processGroupId !== undefined && processGroupId !== seen.processGroupId)
    throw unproven(pid, `it is in process group ${seen.processGroupId}, not ${processGroupId}`, OTHER_PROCESS);
  return startedOf(seen);
}

const OTHER_PROCESS = 'The PID may have passed to another process since; nothing was written.';

function startedOf({ identity, processGroupId, sessionId, startedAt, seenTicks }: ObservedProcess): RunStarted {
  const { bootId, pidNamespace, pid, startTicks }: Identity = identity;
  return {
    identity: { bootId, pidNamespace, pid, startTicks },
    processGroupId,
    sessionId,
    startedAt,
    ...(seenTicks !== undefined && { seenTicks }),
  };
}

function placeIn(placeOf: PlaceOf, cwd: string): ReturnType<PlaceOf> {
  if (!cwd.startsWith('/')) throw refused('cwd', cwd, 'Give an absolute path.');
  const { worktree, project, branch } = placeOf(cwd);
  return { worktree, project, branch };
}

function isOwnerKey(key: string): key is keyof Owner {
  return Object.hasOwn(NO_OWNER, key);
}

function isoOf(epochMs: number): string {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? String(epochMs) : date.toISOString();
}

function unproven(pid: number, detail: string, hint: string): ReeveError {
  return new ReeveError('OWNERSHIP_UNPROVEN', `process ${pid} cannot be owned: ${detail}`, {
    where: String(pid),
    hint,
  });
}

function refused(field: string, value: string, hint: string): ReeveError {
  return new ReeveError('USAGE', `a run cannot have the ${field} "${value}"`, { hint, where: field });
}
