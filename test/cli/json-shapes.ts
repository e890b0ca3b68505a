/** Says what is wrong with a value, or nothing. */
export type Shape = (value: unknown, path: string) => readonly string[];

function check(what: string, holds: (value: unknown) => boolean): Shape {
  return (value, path) => (holds(value) ? [] : [`${path}: ${JSON.stringify(value)} is not ${what}`]);
}

export const text = check('a text', (value) => typeof value === 'string' && value !== '');
export const anyText = check('a text', (value) => typeof value === 'string');
export const flag = check('true or false', (value) => typeof value === 'boolean');
export const nothing = check('null', (value) => value === null);
/** A whole number from 0 on: counts, PIDs, ticks, bytes. */
export const whole = check('a whole number', (value) => Number.isSafeInteger(value) && Number(value) >= 0);
/** A number from 0 on: milliseconds with a fraction, dollars. */
export const amount = check(
  'a number from 0 on',
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
);
export const time = check(
  'a time in ISO 8601 with ms and Z',
  (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/u.test(value),
);
export const runId = check('the id of a run', (value) => /^run_[0-9A-HJKMNP-TV-Z]{26}$/u.test(String(value)));
export const signal = check('a signal with SIG', (value) => /^SIG[A-Z0-9]+$/u.test(String(value)));

export function oneOf(...values: readonly unknown[]): Shape {
  return check(`one of ${JSON.stringify(values)}`, (value) => values.includes(value));
}

export function orNull(shape: Shape): Shape {
  return (value, path) => (value === null ? [] : shape(value, path));
}

export function listOf(shape: Shape): Shape {
  return (value, path) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, index) => shape(item, `${path}[${index}]`))
      : [`${path}: not a list`];
}

/** A list that must not be empty, so that the shape of its items is really looked at. */
export function someOf(shape: Shape): Shape {
  return (value, path) =>
    Array.isArray(value) && value.length > 0 ? listOf(shape)(value, path) : [`${path}: not a list with anything in it`];
}

/** Whatever the keys. */
export function mapOf(shape: Shape): Shape {
  return (value, path) =>
    isObject(value)
      ? Object.entries(value).flatMap(([key, item]) => shape(item, `${path}.${key}`))
      : [`${path}: not an object`];
}

/** Exactly these keys: one that is absent would have to be null, and one that is new has to be agreed on. */
export function object(fields: Readonly<Record<string, Shape>>): Shape {
  return (value, path) => {
    if (!isObject(value)) return [`${path}: ${JSON.stringify(value)} is not an object`];
    const unknown = Object.keys(value).filter((key) => !Object.hasOwn(fields, key));
    return [
      ...unknown.map((key) => `${path}.${key}: not in the contract`),
      ...Object.entries(fields).flatMap(([key, shape]) =>
        Object.hasOwn(value, key) ? shape(value[key], `${path}.${key}`) : [`${path}.${key}: missing`],
      ),
    ];
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const identity = object({ bootId: text, pidNamespace: text, pid: whole, startTicks: whole });

export const RUN_FIELDS = {
  id: runId,
  name: orNull(text),
  labels: mapOf(anyText),
  parentRunId: orNull(runId),
  startedBy: object({ pid: whole, startTicks: whole }),
  source: oneOf('acp_agent', 'acp_terminal', 'sandbox_terminal', 'hook', 'extension', 'subprocess'),
  owner: object({
    sessionId: orNull(text),
    turnId: orNull(text),
    toolCallId: orNull(text),
    terminalId: orNull(text),
    extensionName: orNull(text),
    hookName: orNull(text),
    sandboxId: orNull(text),
  }),
  command: text,
  args: listOf(anyText),
  cwd: text,
  worktree: orNull(text),
  project: text,
  branch: orNull(text),
  agent: orNull(text),
  identity: orNull(identity),
  processGroupId: orNull(whole),
  startedAt: orNull(time),
  state: oneOf(
    'starting',
    'running',
    'paused',
    'interrupting',
    'stopping',
    'lingering',
    'interrupted',
    'completed',
    'failed',
    'stale',
  ),
  endReason: orNull(
    oneOf(
      'exit',
      'signal',
      'interrupt',
      'stop',
      'parent',
      'turn-limit',
      'budget-limit',
      'token-limit',
      'time-limit',
      'idle-limit',
      'memory-limit',
      'process-limit',
      'lost',
    ),
  ),
  exitCode: orNull(whole),
  signal: orNull(signal),
  error: orNull(text),
  createdAt: time,
  updatedAt: time,
  completedAt: orNull(time),
  usage: orNull(
    object({ costUsd: orNull(amount), tokens: whole, unpricedTokens: whole, turns: whole, toolTurns: whole }),
  ),
} as const;

const SIGNALLED = {
  pid: whole,
  startTicks: whole,
  comm: text,
  signals: someOf(oneOf('TERM', 'KILL')),
  diedMs: orNull(amount),
  outsideGroup: flag,
};

export const RECEIPT_FIELDS = {
  reason: text,
  signalled: listOf(object(SIGNALLED)),
  survivors: listOf(object({ pid: whole, startTicks: whole, comm: text, why: text })),
  escalated: flag,
  elapsedMs: amount,
  provenEmpty: flag,
} as const;

export const RESTARTS = object({
  mode: oneOf('on-failure', 'always'),
  count: whole,
  nextAt: orNull(time),
  ended: listOf(
    object({
      number: whole,
      pid: orNull(whole),
      startedAt: time,
      endedAt: time,
      exitCode: orNull(whole),
      signal: orNull(signal),
      delayMs: whole,
    }),
  ),
});

const PROCESS_FIELDS = {
  pid: whole,
  ppid: whole,
  pgid: whole,
  sid: whole,
  startTicks: whole,
  comm: text,
  argv: orNull(listOf(anyText)),
  cwd: orNull(text),
  rssBytes: orNull(whole),
  cpuMs: orNull(whole),
  state: text,
  via: oneOf('descent', 'cookie', 'group', 'cgroup'),
};

export const TREE = object({ runId, processes: someOf(object(PROCESS_FIELDS)) });

export const COUNTS = { checked: whole, recovered: whole, stale: whole, unstarted: whole, orphaned: whole } as const;

export const LOCKOUT = object({
  project: text,
  branch: text,
  agent: text,
  limit: text,
  period: oneOf('hourly', 'daily', 'weekly', 'monthly', 'total'),
  action: oneOf('refuse', 'stop'),
  reason: text,
  capUsd: orNull(amount),
  currentUsd: orNull(amount),
  capTokens: orNull(whole),
  currentTokens: orNull(whole),
  lockedAt: time,
  expiresAt: orNull(time),
});

export const CLAIM = object({
  worktree: text,
  file: text,
  state: oneOf('held', 'stale', 'orphaned', 'corrupt'),
  holder: orNull(
    object({ runId: orNull(runId), pid: whole, startTicks: whole, bootId: text, host: text, label: anyText }),
  ),
  session: orNull(text),
  token: orNull(whole),
  acquiredAt: orNull(time),
  why: text,
});

export const USAGE_ROW = object({
  period: orNull(text),
  project: orNull(text),
  branch: orNull(text),
  agent: orNull(text),
  model: orNull(text),
  inputTokens: whole,
  outputTokens: whole,
  cacheCreationTokens: whole,
  cacheReadTokens: whole,
  totalTokens: whole,
  costUsd: orNull(amount),
  unpricedTokens: whole,
  turns: orNull(whole),
  toolTurns: whole,
});

/** What a limit has said. */
export const WARNING = object({
  limit: text,
  message: text,
  project: orNull(text),
  branch: orNull(text),
  runId: orNull(runId),
  at: time,
});

export const STATUS = object({
  daemon: orNull(object({ pid: whole, version: text, startedAt: time, ready: flag, http: orNull(text) })),
  reconcile: orNull(object(COUNTS)),
  runs: object({
    starting: whole,
    running: whole,
    paused: whole,
    interrupting: whole,
    stopping: whole,
    lingering: whole,
  }),
  watchers: whole,
  unsupervised: whole,
  warnings: listOf(WARNING),
  lastError: orNull(text),
});

const COUNTER_FIELDS = {
  project: text,
  branch: text,
  agent: text,
  runId: orNull(runId),
  sessionId: orNull(text),
  currentUsd: amount,
  currentTokens: whole,
  unpricedTokens: whole,
  elapsedMinutes: amount,
  effectiveCapUsd: orNull(amount),
  state: text,
  startsAt: time,
  endsAt: orNull(time),
  liveRuns: listOf(runId),
};

const CAP_FIELDS = { capUsd: orNull(amount), capTokens: orNull(whole), capMinutes: orNull(amount) };

export const LIMITS = object({
  limits: someOf(
    object({
      name: text,
      project: text,
      branch: text,
      agent: text,
      run: text,
      labels: mapOf(anyText),
      period: text,
      per: orNull(text),
      warnAt: listOf(amount),
      action: oneOf('warn', 'refuse', 'stop'),
      graceMs: whole,
      ...CAP_FIELDS,
      counters: listOf(object(COUNTER_FIELDS)),
    }),
  ),
  caps: someOf(object({ name: text, ...CAP_FIELDS, ...COUNTER_FIELDS })),
});

export const FINDING = object({
  kind: text,
  severity: oneOf('problem', 'note'),
  subject: text,
  evidence: someOf(text),
  remedy: orNull(text),
  fixed: orNull(text),
  receipt: orNull(object(RECEIPT_FIELDS)),
});

export const ERROR = object({
  error: object({ code: text, message: text, hint: orNull(text), where: orNull(text) }),
});
