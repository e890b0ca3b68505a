import type { RunId } from '../runs/record.ts';
import type { Pricing, PromptEntry, TokenCounts, UsageEntry } from './entry.ts';

/** How far one log file was read. A file is the same while device, inode and the fingerprint of its head agree. */
export interface LogCursor {
  readonly file: string;
  readonly agent: string;
  readonly device: number;
  readonly inode: number;
  /** Bytes read and ingested; always the start of a line. */
  readonly offset: number;
  /** Hash of the first bytes, to notice a file replaced in place. */
  readonly fingerprint: string;
  readonly modifiedMs: number;
  /** State the line reader carries over (last timestamp …), JSON text. */
  readonly carry: string;
}

/** Anything about a log that a person should know: unreadable file, broken line. Never dropped silently. */
export interface LogProblem {
  readonly file: string;
  readonly offset: number | null;
  readonly message: string;
  readonly at: number;
}

export interface PricedEntry extends UsageEntry, Pricing {}

export interface IngestBatch {
  /** Gone through once, within the transaction: they need not all be in memory at a time. */
  readonly entries: Iterable<PricedEntry>;
  readonly prompts: readonly PromptEntry[];
  readonly cursors: readonly LogCursor[];
  readonly problems: readonly LogProblem[];
}

/** A session's answers belong to the run from `fromOffset` of the session's main log on (a resume gives a session several runs). */
export interface SessionLink {
  readonly agent: string;
  readonly sessionId: string;
  readonly runId: RunId;
  /** Entries of the session with a timestamp at or after this belong to the run, until the next link of the session. */
  readonly fromMs: number;
}

export type UsageColumn = 'day' | 'project' | 'branch' | 'agent' | 'model' | 'session' | 'run' | 'subagent';

export interface UsageQuery {
  /** Epoch ms, inclusive. */
  readonly since?: number;
  /** Epoch ms, exclusive. */
  readonly until?: number;
  readonly project?: string;
  readonly branch?: string;
  readonly agent?: string;
  readonly sessionId?: string;
  /** Entries of any of these runs. */
  readonly runIds?: readonly RunId[];
}

/** Sums over entries that share the grouped columns. Cost is the sum of priced entries only. */
export interface UsageSum {
  /** Null when not grouped, or when no line of the session names a folder. */
  readonly project: string | null;
  readonly branch: string | null;
  readonly agent: string | null;
  readonly model: string | null;
  readonly sessionId: string | null;
  readonly runId: RunId | null;
  readonly subagentId: string | null;
  readonly tokens: TokenCounts;
  readonly costMicroUsd: number;
  /** Tokens of entries that have no price. */
  readonly unpricedTokens: number;
  /** Tokens of entries priced by assumption. */
  readonly assumedTokens: number;
  readonly answers: number;
  readonly toolTurns: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

/** What a prompt can be grouped by: it is put to no model, and never to a subagent. */
export type TurnColumn = Exclude<UsageColumn, 'day' | 'model' | 'subagent'>;

/** Turns that share the grouped columns; a turn is a prompt and all that comes of it. */
export interface TurnSum extends Pick<UsageSum, 'project' | 'branch' | 'agent' | 'sessionId' | 'runId'> {
  readonly turns: number;
}

/** The ledger: every priced answer once, at its largest usage, and every prompt once. */
export interface LedgerStore {
  cursors(): Promise<readonly LogCursor[]>;
  /**
   * One transaction: entries are inserted, or grown in place when the same (agent, messageKey) comes with larger usage; prompts are
   * inserted, and stay where the earliest copy stood; cursors and problems are written with them. What has no project takes that of
   * another line of its session, of the same log rather than of another, and its branch unless it has one, as soon as there is any.
   * Returns how many answers changed the ledger.
   */
  ingest(batch: IngestBatch): Promise<{ readonly inserted: number; readonly grown: number }>;
  /** Sums grouped by the given columns. `day` is not groupable in the store: callers query per period. */
  sums(query: UsageQuery, groupBy: readonly Exclude<UsageColumn, 'day'>[]): Promise<readonly UsageSum[]>;
  /** Prompts that match, counted by the given columns; nothing is no row. A prompt belongs to a run as an answer of its session does. */
  turns(query: UsageQuery, groupBy: readonly TurnColumn[]): Promise<readonly TurnSum[]>;
  /** Time of the first entry that matches, epoch ms; null when none does. */
  firstAt(query: UsageQuery): Promise<number | null>;
  /** Every entry in the range, ordered by timestamp: for grouping by local day, and export. */
  entries(query: UsageQuery): Promise<readonly (PricedEntry & { readonly runId: RunId | null })[]>;
  linkSession(link: SessionLink): Promise<void>;
  /** From then on (epoch ms) the session's answers are those of the run that was linked to it before this one. */
  leaveSession(left: Omit<SessionLink, 'fromMs'> & { readonly untilMs: number }): Promise<void>;
  links(query: { readonly runIds?: readonly RunId[]; readonly sessionId?: string }): Promise<readonly SessionLink[]>;
  /**
   * Entries whose pricing is not `exact`, for repricing; without those that this price version and basis have already been given to,
   * so that asking again costs nothing.
   */
  inexact(query?: { readonly except: Pick<Pricing, 'priceVersion' | 'basis'> }): Promise<readonly PricedEntry[]>;
  reprice(
    changes: readonly { readonly agent: string; readonly messageKey: string; readonly pricing: Pricing }[],
  ): Promise<void>;
  problems(limit: number): Promise<readonly LogProblem[]>;
}
