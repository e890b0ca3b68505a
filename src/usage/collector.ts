import type { Clock } from '../clock.ts';
import { unpackAnswers, type Answer } from './answer-batch.ts';
import type { PromptEntry } from './entry.ts';
import type { LoggedPrompt, LogReading, LogReadRequest, LogSource } from './log-source.ts';
import { needsReading } from './log-state.ts';
import type { LedgerStore, LogCursor, LogProblem, PricedEntry } from './ports.ts';
import { repriceInexact, type Prices } from './prices.ts';

/** Answers and prompts per transaction: enough that the commits do not count, few enough that other writers get their turn. */
const BATCH_SIZE = 8_000;

export interface CollectorOptions {
  readonly ledger: LedgerStore;
  readonly sources: readonly LogSource[];
  readonly prices: Prices;
  readonly clock: Clock;
  /** Where a folder lies now. It may be gone: then it is a project of its own. */
  readonly placeOf: (cwd: string) => Place & { readonly project: string };
}

interface Place {
  readonly project: string | null;
  readonly branch: string | null;
}

/** Of a line that names no folder. This process's own folder has nothing to do with it. */
const NOWHERE: Place = { project: null, branch: null };

/** What one scan did. */
export interface ScanReport {
  readonly files: number;
  /** Files that had something new, and how many bytes of them were read. */
  readonly filesRead: number;
  readonly bytesRead: number;
  readonly inserted: number;
  readonly grown: number;
  readonly repriced: number;
  readonly problems: readonly LogProblem[];
}

export interface Collector {
  /**
   * Brings the ledger up to date with the logs: all of them, or only the named files. Scans run one after another.
   * What cannot be read is reported in the ledger and tried again at the next scan.
   */
  scan(files?: readonly string[]): Promise<ScanReport>;
  /** Calls back with the logs that changed since the last call (null = any may have), until closed. */
  watch(onDirty: (file: string | null) => void): { close(): void };
}

export function createCollector(options: CollectorOptions): Collector {
  const { ledger, sources, clock } = options;
  let cursors: Map<string, LogCursor> | null = null;
  let turn: Promise<unknown> = Promise.resolve();

  return {
    scan(files) {
      const result = turn.then(() => scanNow(files));
      turn = result.catch(() => {});
      return result;
    },
    watch(onDirty) {
      const watches = sources.map((source) => source.watch(onDirty));
      return {
        close: () => {
          for (const watch of watches) watch.close();
        },
      };
    },
  };

  async function scanNow(files: readonly string[] | undefined): Promise<ScanReport> {
    // Another process may have read on meanwhile; an older cursor only means that some lines are recognised a second time.
    if (cursors === null || files === undefined)
      cursors = new Map((await ledger.cursors()).map((cursor) => [cursor.file, cursor]));
    const known = cursors;
    const intake = new Intake(options, known);
    const total = { files: 0, filesRead: 0 };
    for (const source of sources) {
      const { files: logs, problems } = await (files === undefined ? source.list() : source.look(files));
      const requests = logs.map((log): LogReadRequest => ({ log, cursor: known.get(log.file) ?? null }));
      const due = requests.filter(({ log, cursor }) => needsReading(log, cursor));
      intake.note(problems);
      for await (const reading of source.read(due, clock.now())) await intake.take(reading, source.agent);
      total.files += logs.length;
      total.filesRead += due.length;
    }
    await intake.flush();
    const repriced = files === undefined ? await repriceInexact(ledger, options.prices) : 0;
    return { ...total, ...intake.report(), repriced };
  }
}

interface Taken {
  readonly reading: LogReading;
  readonly agent: string;
}

/** Places and prices what was read, and writes it with its cursors. */
class Intake {
  readonly #options: CollectorOptions;
  readonly #known: Map<string, LogCursor>;
  readonly #places = new Map<string, Place>();
  readonly #allProblems: LogProblem[] = [];
  /** Answers and prompts that wait to be written. */
  #held = 0;
  #readings: Taken[] = [];
  #prompts: PromptEntry[] = [];
  #cursors: LogCursor[] = [];
  #problems: LogProblem[] = [];
  #counts = { inserted: 0, grown: 0, bytesRead: 0 };

  constructor(options: CollectorOptions, known: Map<string, LogCursor>) {
    this.#options = options;
    this.#known = known;
  }

  note(problems: readonly LogProblem[]): void {
    this.#problems.push(...problems);
    this.#allProblems.push(...problems);
  }

  async take(reading: LogReading, agent: string): Promise<void> {
    // Answers stay packed until they are written, and their places are looked up before the ledger is locked.
    for (const { cwd } of reading.answers.contexts) this.#placeOf(cwd);
    this.#readings.push({ reading, agent });
    this.#held += reading.answers.size + reading.prompts.length;
    for (const prompt of reading.prompts) this.#prompts.push(this.#promptOf(prompt, reading.file, agent));
    if (reading.cursor !== null) this.#cursors.push(reading.cursor);
    this.note(reading.problems);
    this.#counts.bytesRead += reading.bytesRead;
    if (this.#held >= BATCH_SIZE) await this.flush();
  }

  /** Entries, prompts and the cursors behind them in one transaction: a crash repeats all or none. */
  async flush(): Promise<void> {
    const readings = this.#readings;
    const batch = { prompts: this.#prompts, cursors: this.#cursors, problems: this.#problems };
    if (this.#held === 0 && Object.values(batch).every((list) => list.length === 0)) return;
    this.#readings = [];
    this.#held = 0;
    this.#prompts = [];
    this.#cursors = [];
    this.#problems = [];
    const { inserted, grown } = await this.#options.ledger.ingest({ ...batch, entries: this.#entriesOf(readings) });
    for (const cursor of batch.cursors) this.#known.set(cursor.file, cursor);
    this.#counts.inserted += inserted;
    this.#counts.grown += grown;
  }

  report(): Pick<ScanReport, 'inserted' | 'grown' | 'bytesRead' | 'problems'> {
    return { ...this.#counts, problems: this.#allProblems };
  }

  *#entriesOf(readings: readonly Taken[]): Generator<PricedEntry> {
    for (const { reading, agent } of readings)
      for (const answer of unpackAnswers(reading.answers)) yield this.#entryOf(answer, reading.file, agent);
  }

  #entryOf(answer: Answer, file: string, agent: string): PricedEntry {
    const { context, tokens, timestamp } = answer;
    const place = this.#placeOf(context.cwd);
    const pricing = this.#options.prices.price(context.model, tokens, timestamp);
    return {
      agent,
      messageKey: answer.messageKey,
      requestId: answer.requestId,
      sessionId: context.sessionId,
      subagentId: context.subagentId,
      timestamp,
      cwd: context.cwd,
      project: place.project,
      branch: branchOf(context, place),
      model: context.model,
      tokens,
      toolUse: answer.toolUse,
      file,
      offset: answer.offset,
      costMicroUsd: pricing.costMicroUsd,
      basis: pricing.basis,
      priceVersion: pricing.priceVersion,
    };
  }

  #promptOf(prompt: LoggedPrompt, file: string, agent: string): PromptEntry {
    const place = this.#placeOf(prompt.cwd);
    return { ...prompt, agent, project: place.project, branch: branchOf(prompt, place), file };
  }

  #placeOf(cwd: string | null): Place {
    if (cwd === null) return NOWHERE;
    let place = this.#places.get(cwd);
    if (place === undefined) this.#places.set(cwd, (place = this.#options.placeOf(cwd)));
    return place;
  }
}

/** The branch that the log says, else the one that is checked out where it was said. */
function branchOf({ branch }: { readonly branch: string | null }, place: Place): string | null {
  return branch === null || branch === 'HEAD' ? place.branch : branch;
}
