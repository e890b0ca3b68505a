/** The parts of reeve's JSON that these tests read, as product documents promise them: written down apart from the code. */

export interface RunJson {
  readonly id: string;
  readonly name: string | null;
  readonly parentRunId: string | null;
  readonly agent: string | null;
  readonly branch: string | null;
  readonly args: readonly string[];
  readonly identity: { readonly pid: number; readonly startTicks: number } | null;
  readonly state: string;
  readonly endReason: string | null;
  readonly error: string | null;
  readonly exitCode: number | null;
  readonly usage: {
    readonly costUsd: number | null;
    readonly tokens: number;
    readonly turns: number;
    readonly toolTurns: number;
  } | null;
}

export interface ReceiptJson {
  readonly reason: string;
  readonly signalled: readonly {
    readonly pid: number;
    readonly startTicks: number;
    readonly comm: string;
    readonly signals: readonly string[];
    readonly outsideGroup: boolean;
  }[];
  readonly survivors: readonly unknown[];
  readonly provenEmpty: boolean;
}

export type InspectJson = RunJson & { readonly receipts: readonly ReceiptJson[] };

export interface UsageJson {
  readonly totals: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheCreationTokens: number;
    readonly cacheReadTokens: number;
    readonly totalTokens: number;
    readonly costUsd: number;
    readonly turns: number;
  };
  readonly entries: readonly {
    readonly period: string | null;
    readonly turns: number | null;
    readonly toolTurns: number;
  }[];
  readonly unmeteredSessions: number;
}

export interface LockoutsJson {
  readonly lockouts: readonly {
    readonly project: string;
    readonly branch: string;
    readonly limit: string;
    readonly reason: string;
    readonly currentUsd: number;
    readonly expiresAt: string | null;
  }[];
}
