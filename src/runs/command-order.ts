import type { Owner, Source } from './record.ts';

/** A command that is to be run, and whose it is: what every way to start one has in common. */
export interface CommandOrder {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Added to the environment that the run has otherwise. */
  readonly env: Readonly<Record<string, string>>;
  readonly name: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly source: Source;
  readonly owner: Owner;
  /** Time between TERM and KILL when it is stopped, in milliseconds. */
  readonly graceMs: number;
}
