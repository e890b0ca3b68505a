import { createRunIds } from '../../src/runs/run-id.ts';
import { systemRandom } from '../../src/host/random.ts';
import type { Receipt } from '../../src/processes/receipt.ts';
import type { RunIntent, RunRecord, RunStarted, RunState } from '../../src/runs/record.ts';
import type { PromptEntry } from '../../src/usage/entry.ts';
import type { PricedEntry } from '../../src/usage/ports.ts';

export const ids = createRunIds(systemRandom);

export const NOW = Date.UTC(2026, 10, 21, 12);
export const SHIM = { bootId: 'boot-1', pidNamespace: '4026531836', pid: 4000, startTicks: 9000 };
export const LEADER = { ...SHIM, pid: 4001, startTicks: 9001 };

/** An intent as a shim writes it; each call has an id of its own. */
export function intentOf(given: Partial<RunIntent> = {}): RunIntent {
  const createdAt = given.createdAt ?? NOW;
  const id = given.id ?? ids.newRunId(createdAt);
  return {
    id,
    name: null,
    labels: { team: 'blue' },
    parentRunId: null,
    startedBy: { pid: 3999, startTicks: 8999 },
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
    args: ['-p', 'go'],
    cwd: '/w/api',
    worktree: '/w/api',
    project: '/w/api',
    branch: 'main',
    agent: 'claude',
    cookie: ids.newCookie(id, null),
    host: 'here',
    background: true,
    caps: { maxCostMicroUsd: null, maxTokens: null, maxMs: null },
    limited: false,
    graceMs: 10_000,
    keepBackground: false,
    shim: SHIM,
    protocol: 1,
    createdAt,
    ...given,
  };
}

export const STARTED: RunStarted = { identity: LEADER, processGroupId: 4001, sessionId: 4001, startedAt: NOW + 1 };

export const STOPPING: RunState = {
  state: 'stopping',
  started: STARTED,
  stop: { reason: 'stop', message: null, requestedAt: NOW + 2 },
  exit: null,
};

export function ended(completedAt: number, state: 'completed' | 'failed' | 'stale' = 'completed'): RunState {
  return {
    state,
    started: STARTED,
    outcome: { exitCode: 0, signal: null, endReason: 'exit', error: null, completedAt },
  };
}

export function recordOf(current: RunState, given: Partial<RunIntent> = {}): RunRecord {
  return { intent: intentOf(given), current, updatedAt: NOW, version: 1 };
}

export const RECEIPT: Receipt = {
  reason: 'stop',
  signalled: [
    { pid: 4001, startTicks: 9001, comm: 'claude', signals: ['TERM', 'KILL'], diedMs: 12, outsideGroup: false },
  ],
  survivors: [],
  escalated: true,
  elapsedMs: 13,
  provenEmpty: true,
};

let answers = 0;

/** A priced answer; each call has a message id of its own. */
export function answerOf(given: Partial<PricedEntry> = {}): PricedEntry {
  answers += 1;
  return {
    agent: 'claude',
    messageKey: `msg_${answers}`,
    requestId: `req_${answers}`,
    sessionId: 'session-a',
    subagentId: null,
    timestamp: NOW,
    cwd: '/w/api',
    project: '/w/api',
    branch: 'main',
    model: 'claude-opus-4-5',
    tokens: { input: 10, output: 20, cacheWrite5m: 30, cacheWrite1h: 40, cacheRead: 50 },
    toolUse: false,
    file: '/logs/session-a.jsonl',
    offset: answers * 1_000,
    costMicroUsd: 1_500,
    basis: 'exact',
    priceVersion: 'prices@1',
    ...given,
  };
}

let prompts = 0;

/** A prompt; each call has a key of its own. */
export function promptOf(given: Partial<PromptEntry> = {}): PromptEntry {
  prompts += 1;
  return {
    agent: 'claude',
    promptKey: `prompt-${prompts}`,
    sessionId: 'session-a',
    timestamp: NOW,
    cwd: '/w/api',
    project: '/w/api',
    branch: 'main',
    file: '/logs/session-a.jsonl',
    offset: prompts * 1_000,
    ...given,
  };
}

/** A promise that must fail with a coded error: gives the code. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
  return 'no error';
}
