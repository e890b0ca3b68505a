import type { Calendar, Limit } from '../limits/limit.ts';

/** What the daemon does with agents that reeve did not start. */
export type UnsupervisedPolicy = 'ignore' | 'warn' | 'stop';

/** The whole configuration, validated, with defaults filled in. Durations in ms, money in micro-USD. */
export interface Config {
  /** Path it was read from; null when there is no file. */
  readonly file: string | null;
  readonly calendar: Calendar;
  /** The zone is the machine's, because the config names none. */
  readonly isSystemZone: boolean;
  readonly limits: readonly Limit[];
  readonly prices: { readonly unknownModel: 'highest' | 'refuse' | 'tokens-only' };
  /** By agent kind. `logs` null = the agent's own places. */
  readonly agents: Readonly<
    Record<string, { readonly logs: readonly string[] | null; readonly unsupervised: UnsupervisedPolicy }>
  >;
  readonly daemon: { readonly lost: 'stop' | 'warn'; readonly orphaned: 'stop' | 'warn' };
}
