import type { Identity } from '../processes/identity.ts';
import { isBetweenAttempts } from './attempts.ts';
import { outcomeOf, startedOf } from './lifecycle.ts';
import type { EndReason, Owner, RunId, RunRecord, RunStateName, Source } from './record.ts';

/** What the ledger knows of a run's spend. */
export interface RunUsage {
  /** Of what has a price; null when nothing has one. An unknown price is never $0. */
  readonly costMicroUsd: number | null;
  readonly tokens: number;
  /** Those of answers without a price. */
  readonly unpricedTokens: number;
  /** Prompts of a person or of `claude -p`, whether answered or not. */
  readonly turns: number;
  /** Answers with at least one tool call. */
  readonly toolTurns: number;
}

/** A run as `--json` prints it: flat, times in ISO 8601 UTC, money in USD, absent = null. */
export interface RunJson {
  readonly id: RunId;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly parentRunId: RunId | null;
  readonly startedBy: { readonly pid: number; readonly startTicks: number };
  readonly source: Source;
  readonly owner: Owner;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly worktree: string | null;
  readonly project: string;
  readonly branch: string | null;
  readonly agent: string | null;
  readonly identity: Identity | null;
  readonly processGroupId: number | null;
  readonly startedAt: string | null;
  readonly state: RunStateName;
  readonly endReason: EndReason | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly error: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
  /** Without that of the runs inside, which have their own. Null: unmetered, which is not the same as nothing spent. */
  readonly usage: {
    readonly costUsd: number | null;
    readonly tokens: number;
    readonly unpricedTokens: number;
    readonly turns: number;
    readonly toolTurns: number;
  } | null;
}

const MICRO = 1_000_000;

/** The flat view of a record. `usage` null: the ledger knows nothing of the run. */
export function toRunJson(record: RunRecord, usage: RunUsage | null): RunJson {
  const { intent, current, updatedAt } = record;
  const started = startedOf(current);
  const outcome = outcomeOf(current);
  const process = isBetweenAttempts(started) ? null : started;
  const exit = outcome ?? ('exit' in current ? current.exit : null);
  return {
    id: intent.id,
    name: intent.name,
    labels: intent.labels,
    parentRunId: intent.parentRunId,
    startedBy: intent.startedBy,
    source: intent.source,
    owner: intent.owner,
    command: intent.command,
    args: intent.args,
    cwd: intent.cwd,
    worktree: intent.worktree,
    project: intent.project,
    branch: intent.branch,
    agent: intent.agent,
    identity: process?.identity ?? null,
    processGroupId: process?.processGroupId ?? null,
    startedAt: isoOrNull(started?.restarts?.first.startedAt ?? started?.startedAt),
    state: current.state,
    endReason: outcome?.endReason ?? null,
    exitCode: exit?.exitCode ?? null,
    signal: exit?.signal ?? null,
    error: outcome?.error ?? ('note' in current ? (current.note ?? null) : null),
    createdAt: iso(intent.createdAt),
    updatedAt: iso(updatedAt),
    completedAt: isoOrNull(outcome?.completedAt),
    usage: usage === null ? null : usageJson(usage),
  };
}

function usageJson({ costMicroUsd, ...counts }: RunUsage): NonNullable<RunJson['usage']> {
  const { tokens, unpricedTokens, turns, toolTurns } = counts;
  return { costUsd: costMicroUsd === null ? null : costMicroUsd / MICRO, tokens, unpricedTokens, turns, toolTurns };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

function isoOrNull(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : iso(epochMs);
}
