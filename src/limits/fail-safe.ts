/** How long limits may go unenforced before the fail-safe acts: a daemon restart and a full disk that is cleared at once pass unnoticed. */
export const UNENFORCED_GRACE_MS = 30_000;

export interface FailSafeInput {
  /** `[daemon] lost` of the config. */
  readonly policy: 'stop' | 'warn';
  /** Milliseconds since the limits of the run were last enforced in full, on a clock that does not jump. */
  readonly unenforcedMs: number;
  /** @defaultValue {@link UNENFORCED_GRACE_MS} */
  readonly graceMs?: number;
}

/**
 * What happens to a limited run while nobody can enforce its limits: the daemon is gone, or it can neither read the ledger nor write to it
 * (read-only store, full disk). One rule for all causes, because the danger is the same: money is spent and nobody counts it.
 *
 * - `wait`: the time is not up; keep trying, and say so once.
 * - `stop`: verified stop of the limited run, endReason `budget-limit`, message `limits cannot be enforced`.
 * - `warn`: the run goes on unlimited, loudly.
 *
 * A breach that was seen before its lockout could be written is not the fail-safe's business: it is stopped at once
 * (`enforcer.ts`, `handleBreach`). A run that is to be started is never admitted blindly: without its intent in the store it does not start.
 */
export function failSafe({
  policy,
  unenforcedMs,
  graceMs = UNENFORCED_GRACE_MS,
}: FailSafeInput): 'wait' | 'stop' | 'warn' {
  return unenforcedMs < graceMs ? 'wait' : policy;
}
