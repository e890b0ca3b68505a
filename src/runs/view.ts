import type { Identity } from '../processes/identity.ts';
import { outcomeOf, startedOf } from './lifecycle.ts';
import type { EndReason, Owner, RunId, RunRecord, RunStateName, Source } from './record.ts';

/** What a run has spent, as far as its agent's logs say. */
export interface RunUsage {
  readonly costMicroUsd: number;
  readonly tokens: number;
  /** Prompts to their ends; null where the logs do not say. */
  readonly turns: number | null;
  /** Answers with at least one tool call. */
  readonly toolTurns: number;
}

/** A run as `--json` prints it: the record flattened, times in ISO 8601 UTC, money in USD, absent = null. */
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
  /** Null when nothing is known of its spend, which is not the same as nothing spent. */
  readonly usage: {
    readonly costUsd: number;
    readonly tokens: number;
    readonly turns: number | null;
    readonly toolTurns: number;
  } | null;
}

const MICRO_USD_PER_USD = 1_000_000;

/** The flat view of a record. */
export function toRunJson(record: RunRecord, usage: RunUsage | null): RunJson {
  const { intent, current } = record;
  const started = startedOf(current);
  const outcome = outcomeOf(current);
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
    identity: started?.identity ?? null,
    processGroupId: started?.processGroupId ?? null,
    startedAt: started === null ? null : isoTime(started.startedAt),
    state: current.state,
    endReason: outcome?.endReason ?? null,
    exitCode: exit?.exitCode ?? null,
    signal: exit?.signal ?? null,
    error: outcome?.error ?? null,
    createdAt: isoTime(intent.createdAt),
    updatedAt: isoTime(record.updatedAt),
    completedAt: outcome === null ? null : isoTime(outcome.completedAt),
    usage:
      usage === null
        ? null
        : {
            costUsd: usage.costMicroUsd / MICRO_USD_PER_USD,
            tokens: usage.tokens,
            turns: usage.turns,
            toolTurns: usage.toolTurns,
          },
  };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
