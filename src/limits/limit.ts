export const PERIODS = ['run', 'session', 'hourly', 'daily', 'weekly', 'monthly', 'total'] as const;
export type Period = (typeof PERIODS)[number];

export const COUNTER_KEYS = ['project', 'branch', 'agent', 'all'] as const;
/** What one counter covers. */
export type CounterKey = (typeof COUNTER_KEYS)[number];

export const ACTIONS = ['warn', 'refuse', 'stop'] as const;
export type LimitAction = (typeof ACTIONS)[number];

/** Whom a limit is about. Globs; `**` crosses slashes, `*` does not; a bare `*` matches all, also null. */
export interface Selection {
  /** Against the project's path or its basename. */
  readonly project: string;
  readonly branch: string;
  readonly agent: string;
  /** Against the run's name. */
  readonly run: string;
  /** Exact values that the run must carry, all of them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One rule as the config gives it, validated. Every matching limit applies; the strictest acts. */
export interface Limit extends Selection {
  readonly name: string;
  readonly period: Period;
  /** Meaningless for run and session periods. */
  readonly per: CounterKey;
  readonly maxCostMicroUsd: number | null;
  readonly maxTokens: number | null;
  /** Wall-clock life of a run in ms; only with period `run`. */
  readonly maxMs: number | null;
  /** Fractions of the cap in ascending order, each in (0, 1). */
  readonly warnAt: readonly number[];
  readonly action: LimitAction;
  readonly graceMs: number;
}

/** First day of a week. */
export type WeekStart = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday';

/** Where periods begin: an IANA zone and the first day of the week. */
export interface Calendar {
  readonly timeZone: string;
  readonly weekStart: WeekStart;
}
