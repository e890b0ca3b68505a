import type { RunId } from '../runs/record.ts';

/** What a limit has said, once: a step of its cap was reached, or the cap of one that only warns was passed. Kept as long as the store. */
export interface Warning {
  readonly limit: string;
  /** `50% of the budget is used ($2.60/$5.00)`. */
  readonly message: string;
  /** Whose spend it is about; null = any. */
  readonly project: string | null;
  readonly branch: string | null;
  /** The run that the counter is about; null for calendar periods. */
  readonly runId: RunId | null;
  /** Runs that were alive under the counter: those to whom it is said. */
  readonly runs: readonly RunId[];
  /** When it was given, in epoch ms. */
  readonly at: number;
  /** End of the counter's period, in epoch ms; null = it has none. */
  readonly expiresAt: number | null;
}

/** Which warnings: those said to a run, or those of the periods that contain a moment. */
export type WarningQuery = { readonly runId: RunId } | { readonly now: number };

/** The rule over rows that every store follows. */
export function isAskedFor(warning: Warning, query: WarningQuery): boolean {
  if ('runId' in query) return warning.runs.includes(query.runId);
  return warning.expiresAt === null || warning.expiresAt > query.now;
}

/** One line for people: `limit "daily": 50% of the budget is used ($2.60/$5.00)`. */
export function warningText({ limit, message }: Pick<Warning, 'limit' | 'message'>): string {
  return `limit "${limit}": ${message}`;
}

/** As `--json` gives it: its time in ISO 8601. */
export function toWarningJson({ limit, message, project, branch, runId, at }: Warning): object {
  return { limit, message, project, branch, runId, at: new Date(at).toISOString() };
}
