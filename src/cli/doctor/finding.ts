import type { Receipt } from '../../processes/receipt.ts';

/** One thing that is not as it should be, with what shows it and what ends it. */
export interface Finding {
  readonly kind:
    | 'unstarted'
    | 'stale'
    | 'orphaned'
    | 'elsewhere'
    | 'corrupt-lockout'
    | 'stale-claim'
    | 'orphaned-claim'
    | 'corrupt-claim'
    | 'claimed-twice'
    | 'collision'
    | 'open-home'
    | 'config'
    | 'daemon'
    | 'limit'
    | 'log'
    | 'platform'
    | 'forgotten-output'
    | 'unsupervised';
  /** A note is worth knowing; a problem makes `reeve doctor` exit with 1. */
  readonly severity: 'problem' | 'note';
  /** What it is about: a run id, a path, a PID. */
  readonly subject: string;
  /** What was seen, one sentence each. */
  readonly evidence: readonly string[];
  /** What to do; null when nothing needs to be done. */
  readonly remedy: string | null;
  /** What `--fix` did; null when it did nothing. */
  readonly fixed: string | null;
  /** Proof of the stop, for an orphaned tree that `--fix` ended. */
  readonly receipt: Receipt | null;
}

/** A finding with the fields that most leave empty filled in. */
export function finding(
  parts: Pick<Finding, 'kind' | 'severity' | 'subject' | 'evidence'> & Partial<Finding>,
): Finding {
  return { remedy: null, fixed: null, receipt: null, ...parts };
}

/** A problem that is not fixed. */
export function isOpen({ severity, fixed }: Finding): boolean {
  return severity === 'problem' && fixed === null;
}
