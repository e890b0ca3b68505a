import type { AnswerBatch } from './answer-batch.ts';
import type { LogCursor, LogProblem } from './ports.ts';

/** One log file as it lies on disk. */
export interface LogFile {
  readonly agent: string;
  readonly file: string;
  readonly device: number;
  readonly inode: number;
  readonly sizeBytes: number;
  /** To a fraction of a millisecond, where the file system tells it: to compare, not to reckon with. */
  readonly modifiedMs: number;
}

export interface LogReadRequest {
  readonly log: LogFile;
  /** How far it was read before; null for a file never seen. */
  readonly cursor: LogCursor | null;
}

/** One prompt read from a log, without its project. */
export interface LoggedPrompt {
  readonly promptKey: string;
  readonly sessionId: string;
  /** Null when the line does not say. */
  readonly cwd: string | null;
  /** As logged; null or `HEAD` when the log does not know. */
  readonly branch: string | null;
  /** Epoch ms. */
  readonly timestamp: number;
  /** Byte offset of the line. */
  readonly offset: number;
}

/** What reading one log from its cursor to its end gave. */
export interface LogReading {
  readonly file: string;
  readonly answers: AnswerBatch;
  readonly prompts: readonly LoggedPrompt[];
  /** Null when the file could not be read: the old cursor stays, and the next scan tries again. */
  readonly cursor: LogCursor | null;
  readonly problems: readonly LogProblem[];
  readonly bytesRead: number;
}

export interface LogListing {
  readonly files: readonly LogFile[];
  /** Folders that could not be listed, and files that could not be looked at. */
  readonly problems: readonly LogProblem[];
}

/** Where one agent's logs come from. */
export interface LogSource {
  readonly agent: string;
  /** All of them, ordered by path. */
  list(): Promise<LogListing>;
  /** The same of these files only; those that are no logs of this agent, or are gone, are left out. */
  look(files: readonly string[]): Promise<LogListing>;
  /** Readings in the order of the requests. Times in the future are clamped to `now`. */
  read(requests: readonly LogReadRequest[], now: number): AsyncIterable<LogReading>;
  /**
   * Calls back with the path of a log that changed, or null when any may have (an event was lost, a slow timer). Works before the
   * folders exist.
   */
  watch(onChange: (file: string | null) => void): { close(): void };
}
