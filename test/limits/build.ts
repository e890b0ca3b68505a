import type { Calendar, Limit } from '../../src/limits/limit.ts';
import { judge } from '../../src/limits/verdict.ts';
import type { JudgeInput, Verdict } from '../../src/limits/verdict.ts';
import { isCalendarPeriod, periodAt } from '../../src/limits/period.ts';
import type { LiveRun, Spend } from '../../src/limits/facts.ts';
import type { Allowance } from '../../src/limits/lockout.ts';
import type { RunCaps, RunId, RunRecord } from '../../src/runs/record.ts';

/** One priced answer of the past, before it is summed: what the ledger would hold. */
export interface Answer {
  readonly at: number;
  readonly project?: string;
  readonly branch?: string | null;
  readonly agent?: string;
  readonly run?: string | null;
  readonly session?: string;
  readonly usd?: number;
  readonly tokens?: number;
  readonly unpricedTokens?: number;
}

export const NOON = Date.UTC(2026, 10, 18, 12);
export const CALENDAR: Calendar = { timeZone: 'UTC', weekStart: 'monday' };

export function limitOf(given: Partial<Limit>): Limit {
  return {
    name: 'daily',
    project: '*',
    branch: '*',
    agent: '*',
    run: '*',
    labels: {},
    period: 'daily',
    per: 'project',
    maxCostMicroUsd: null,
    maxTokens: null,
    maxMs: null,
    warnAt: [],
    action: 'stop',
    graceMs: 10_000,
    ...given,
  };
}

export interface RunGiven {
  readonly project?: string;
  readonly branch?: string | null;
  readonly agent?: string | null;
  readonly name?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
  readonly parent?: string;
  readonly caps?: Partial<RunCaps>;
}

export function recordOf(id: string, given: RunGiven = {}): RunRecord {
  const project = given.project ?? '/w/app';
  const identity = { bootId: 'boot', pidNamespace: '1', pid: 100, startTicks: 1 };
  return {
    version: 1,
    updatedAt: NOON,
    current: { state: 'running', started: { identity, processGroupId: 100, sessionId: 100, startedAt: NOON } },
    intent: {
      id: id as RunId,
      name: given.name ?? null,
      labels: given.labels ?? {},
      parentRunId: (given.parent as RunId | undefined) ?? null,
      startedBy: { pid: 1, startTicks: 1 },
      source: 'subprocess',
      owner: {
        sessionId: null,
        turnId: null,
        toolCallId: null,
        terminalId: null,
        extensionName: null,
        hookName: null,
        sandboxId: null,
      },
      command: 'claude',
      args: [],
      cwd: project,
      worktree: project,
      project,
      branch: given.branch === undefined ? 'main' : given.branch,
      agent: given.agent === undefined ? 'claude' : given.agent,
      cookie: id,
      host: 'here',
      background: false,
      caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: null, ...given.caps },
      limited: true,
      graceMs: 5_000,
      keepBackground: false,
      shim: identity,
      protocol: 1,
      createdAt: NOON,
    },
  };
}

export function liveOf(record: RunRecord, given: { branch?: string | null; elapsedMs?: number } = {}): LiveRun {
  const branch = given.branch === undefined ? record.intent.branch : given.branch;
  return { record, branch, elapsedMs: given.elapsedMs ?? 0 };
}

export interface Scene {
  readonly limits: readonly Limit[];
  readonly answers: readonly Answer[];
  readonly now?: number;
  readonly calendar?: Calendar;
  readonly live?: readonly LiveRun[];
  readonly runs?: readonly RunRecord[];
  readonly sessions?: readonly { readonly run: string; readonly session: string }[];
  readonly allowances?: readonly Allowance[];
  readonly unknownModel?: 'highest' | 'refuse' | 'tokens-only';
}

/** Judges a scene the way the daemon does: each period's window cut out of all answers ever given. */
export function judgeScene(scene: Scene): readonly Verdict[] {
  return judge(inputOf(scene));
}

export function inputOf(scene: Scene): JudgeInput {
  const now = scene.now ?? NOON;
  const calendar = scene.calendar ?? CALENDAR;
  const live = scene.live ?? [];
  const periods = new Set(scene.limits.map((limit) => limit.period).filter(isCalendarPeriod));
  const current = new Set((scene.sessions ?? []).map(({ session }) => session));
  return {
    limits: scene.limits,
    now,
    live,
    runs: scene.runs ?? [],
    windows: [...periods].map((period) => {
      const window = periodAt(period, calendar, now);
      const inside = scene.answers.filter(({ at }) => window.start <= at && (window.end === null || at < window.end));
      return { window, spend: inside.map(spendOf) };
    }),
    runSpend: scene.answers.map(spendOf),
    sessions: (scene.sessions ?? []).map(({ run, session }) => ({ runId: run as RunId, sessionId: session })),
    sessionSpend: scene.answers.filter(({ session }) => session !== undefined && current.has(session)).map(spendOf),
    allowances: scene.allowances ?? [],
    ...(scene.unknownModel === undefined ? {} : { unknownModel: scene.unknownModel }),
  };
}

function spendOf(answer: Answer): Spend {
  return {
    project: answer.project ?? '/w/app',
    branch: answer.branch === undefined ? 'main' : answer.branch,
    agent: answer.agent ?? 'claude',
    runId: (answer.run ?? null) as RunId | null,
    sessionId: answer.session ?? null,
    tokens: { input: answer.tokens ?? 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 },
    costMicroUsd: Math.round((answer.usd ?? 0) * 1e6),
    unpricedTokens: answer.unpricedTokens ?? 0,
    lastAt: answer.at,
  };
}
