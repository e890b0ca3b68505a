import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { ReeveError } from '../errors.ts';
import { hasConfiguredLimits } from '../host/configured-limits.ts';
import { homeFolder } from '../host/home-folder.ts';
import { assertMayEnter, siteOf, type Place } from '../host/git-place.ts';
import type { Paths } from '../host/paths.ts';
import { PROTOCOL, type LostPolicy } from '../ipc/protocol.ts';
import type { Client } from '../ipc/client.ts';
import { markStart } from '../processes/hidden.ts';
import { agentKindOf } from '../processes/kinds.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { runExists } from '../runs/assert-intent.ts';
import { closeRun } from '../runs/close-run.ts';
import { ACTIVE_STATES } from '../runs/lifecycle.ts';
import type { RunId, RunIntent, RunRecord } from '../runs/record.ts';
import { redactArguments } from '../runs/redact.ts';
import { redactLabels, redactOwner } from '../runs/redact-id.ts';
import { runIdOfCookie } from '../runs/run-id.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';
import { assertNotLockedOut, lockedOutError } from './lockout-check.ts';
import type { RunRequest } from './request.ts';
import type { ShimWorkplace } from './workplace.ts';
import { claimWorktree, WAIT_ALOUD, type QueueManners, type RunClaim } from './worktree-claim.ts';

/** A run whose intent is on record and that nothing forbids: it may be spawned. */
export interface AdmittedRun {
  readonly record: RunRecord;
  readonly claim: RunClaim;
  /** The daemon that holds the run to its limits; null when none apply. `warning`: what whoever starts the run must know of them. */
  readonly daemon: { readonly client: Client; readonly lost: LostPolicy; readonly warning: string | null } | null;
}

/**
 * Everything that comes before the spawn, in the order that keeps the promises: lockouts, then the claim, then the intent, then the daemon's word. Must
 * be called before this process becomes a subreaper, so that a daemon that it starts is nobody's orphan.
 * @throws FOLDER_NOT_FOUND, PERMISSION_DENIED, LOCKED_OUT, LOCKOUT_CORRUPT, CLAIM_HELD, CLAIM_CORRUPT, RUN_EXISTS, DAEMON_UNREACHABLE, and what the store throws; nothing is running then
 */
export async function admit(
  workplace: ShimWorkplace,
  request: RunRequest,
  options: { readonly background: boolean; readonly queue?: QueueManners },
): Promise<AdmittedRun> {
  const site = siteOf(request.cwd);
  assertMayEnter(request.cwd);
  const { place } = site;
  const agent = agentKindOf([request.command, ...request.args]);
  await assertNotLockedOut(workplace, { ...place, agent, run: request.name, labels: request.labels });
  const intent = await intentOf(workplace, request, { ...options, place, agent });
  await assertNameFree(workplace, intent);
  // Before the record: who is refused leaves none.
  const claim = await claimWorktree(workplace, request, intent, { site, queue: options.queue ?? WAIT_ALOUD });
  try {
    const record = await workplace.store.runs.insert(intent);
    return { record, claim, daemon: intent.limited ? await askDaemonFor(workplace, intent) : null };
  } catch (error) {
    await claim.release();
    throw error;
  }
}

/** The store refuses a second run of one name in any case; asked here, nobody queues for a worktree in vain. */
async function assertNameFree({ store }: ShimWorkplace, intent: RunIntent): Promise<void> {
  if (intent.name === null) return;
  const [rival] = await store.runs.list({ name: intent.name, states: ACTIVE_STATES, limit: 1 });
  if (rival !== undefined) throw runExists(intent, rival.intent.id);
}

async function askDaemonFor(workplace: ShimWorkplace, intent: RunIntent): Promise<NonNullable<AdmittedRun['daemon']>> {
  try {
    return await askDaemon(workplace, intent);
  } catch (error) {
    await recordFailedStart(workplace, intent.id, error);
    throw error;
  }
}

/**
 * Asked right before the spawn: to be admitted may take as long as a daemon takes to start, and somebody may have asked for the end meanwhile.
 * They have found nothing to signal, and been told so.
 * @throws RUN_ENDED
 */
export async function assertStillWanted({ store }: ShimWorkplace, id: RunId): Promise<void> {
  const current = (await store.runs.get(id))?.current;
  if (current?.state !== 'stopping') return;
  const { reason, message } = current.stop;
  throw new ReeveError('RUN_ENDED', `it was stopped before its command had started (${message ?? reason})`, {
    where: id,
    hint: 'Start it again if it is still wanted.',
  });
}

/** Ends the record of a run that could not be started, and announces it. */
export async function recordFailedStart(workplace: ShimWorkplace, id: RunId, failure: unknown): Promise<void> {
  const { store, clock, table, events } = workplace;
  const exitCode = failure instanceof ReeveError ? failure.exitCode : 1;
  const error = failure instanceof Error ? failure.message : String(failure);
  const event = { type: 'start-failed', exitCode, error } as const;
  await closeRun({ runs: store.runs, clock, table, announce: events.record }, { id, event });
}

async function askDaemon(
  workplace: ShimWorkplace,
  { id, project }: RunIntent,
): Promise<NonNullable<AdmittedRun['daemon']>> {
  // Loaded only here: most runs have no limits, and would wait for it.
  const { ensureDaemon } = await import('../daemon/spawn.ts');
  const client = await ensureDaemon(workplace.paths, workplace.env);
  try {
    const answer = await client.call('admit', { runId: id });
    if (answer.admitted) return { client, lost: answer.lost, warning: configWarning(answer.configProblem) };
    throw lockedOutError(answer.lockout, project);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** One line, with the first of several problems. */
function configWarning(problem: string | undefined): string | null {
  if (problem === undefined) return null;
  const [what, where = ''] = problem.split('\n').map((line) => line.trim());
  return `${what}${where && `: ${where}`}; until it is mended the last valid one is in force (\`reeve config check\`)`;
}

async function intentOf(
  { env, ids, clock, store, self, table, paths }: ShimWorkplace,
  request: RunRequest,
  { place, agent, background }: { readonly place: Place; readonly agent: string | null; readonly background: boolean },
): Promise<RunIntent> {
  const now = clock.now();
  const id = ids.newRunId(now);
  const outerCookie = env[COOKIE_VARIABLE] || null;
  const outerId = outerCookie === null ? null : runIdOfCookie(outerCookie);
  // The outer run may be of another REEVE_HOME: then its tree still holds this one, but no record here names it.
  const mark = markStart(table, self);
  const parent = outerId === null ? null : await store.runs.get(outerId);
  return {
    id,
    name: request.name,
    labels: redactLabels(request.labels),
    parentRunId: parent?.intent.id ?? null,
    startedBy: { pid: request.startedByPid, startTicks: table.read(request.startedByPid)?.startTicks ?? 0 },
    source: request.source,
    owner: redactOwner(request.owner),
    command: request.command,
    args: redactArguments(request.args, request.command),
    cwd: request.cwd,
    ...place,
    agent,
    cookie: ids.newCookie(id, outerCookie),
    host: hostname(),
    background,
    caps: request.caps,
    limited: await needsDaemon(request, paths),
    logRoots: logRootsOf({ ...env, ...request.env }, request.cwd),
    graceMs: request.graceMs,
    keepBackground: request.keepBackground,
    ...(request.restart === null ? {} : { restart: request.restart }),
    shim: self,
    ...(mark !== null && { mark }),
    protocol: PROTOCOL,
    createdAt: now,
  };
}

/** Where the run's own environment makes its agent log: the daemon's may say otherwise. A relative folder is the agent's to resolve. */
function logRootsOf(env: NodeJS.ProcessEnv, cwd: string): readonly string[] {
  return claudeConfigDirs({ env, home: homeFolder(env), configured: null }).map((folder) => resolve(cwd, folder));
}

/** Spend is counted by the daemon, time by the shim itself. */
async function needsDaemon({ caps }: RunRequest, paths: Paths): Promise<boolean> {
  return caps.maxCostMicroUsd !== null || caps.maxTokens !== null || hasConfiguredLimits(paths);
}
