import type { RunId } from '../runs/record.ts';

export type OutputStreamName = 'stdout' | 'stderr';

/** What happens to a service's runs, in the order in which the service learns of it. Each run has one `started` and, at its end, one `exited`. */
export type ServiceEvent =
  | {
      readonly type: 'started';
      readonly id: RunId;
      readonly command: string;
      /** Secrets redacted. */
      readonly args: readonly string[];
      readonly cwd: string;
      readonly pid: number;
    }
  /** Output as it came, in pieces of any size. */
  | { readonly type: 'data'; readonly id: RunId; readonly bytes: Uint8Array; readonly stream: OutputStreamName }
  | {
      readonly type: 'output';
      readonly id: RunId;
      /** Without its line break. */
      readonly line: string;
      readonly stream: OutputStreamName;
      /** True for a piece of a line that is longer than 8 MiB: the rest follows. */
      readonly continues: boolean;
    }
  | {
      readonly type: 'killed';
      readonly id: RunId;
      /** The strongest that the command itself was sent, with SIG. */
      readonly signal: string;
    }
  | {
      readonly type: 'exited';
      readonly id: RunId;
      /** Null when a signal ended it, or nobody saw the end. */
      readonly exitCode: number | null;
      /** Name with SIG. */
      readonly signal: string | null;
      /** From the start to the proof that its tree is empty, in milliseconds. */
      readonly elapsedMs: number;
      /** Text for people; null when there is nothing to say. */
      readonly error: string | null;
    };
