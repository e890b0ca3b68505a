import { ReeveError } from '../errors.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import { planCheckpoint, type Checkpoint, type Completion } from './checkpoint.ts';
import { assertNoShim, completeRun, findRegistered } from './complete-run.ts';
import { carryOnInterrupt } from './interrupt-end.ts';
import { interruptRuns, type InterruptReport, type InterruptRequest } from './interrupt.ts';
import { scopeOf, selectToInterrupt, type RunScope } from './interrupt-scope.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import { exitEventOf } from './exit-event.ts';
import type { RunId, RunRecord, RunStarted, RunStateName } from './record.ts';
import { reconcileWith, type Reconciliation } from './reconcile.ts';
import { intentOf, proveProcess, type LiveInterrupt, type RegisterRequest } from './registration.ts';
import type { RegistryPorts } from './registry-ports.ts';
import { selectRuns } from './scope.ts';
import { assertWholeMs } from '../whole-ms.ts';

/** A registered run, in the hands of whoever registered it. */
export interface RunHandle {
  readonly id: RunId;
  /** To be added to the environment of a process that is spawned after it was registered: its whole tree can then be found. */
  readonly env: Readonly<Record<string, string>>;
  /** See {@link Registry.checkpoint}. */
  checkpoint(change: Checkpoint): Promise<RunRecord>;
  /** See {@link Registry.complete}. */
  complete(completion?: Completion): Promise<RunRecord>;
}

/** Which runs to list; all that is given must hold. */
export interface ListQuery {
  readonly ids?: readonly string[];
  readonly states?: readonly RunStateName[];
  readonly scope?: RunScope;
  /** At most this many, newest first; 0 or absent = all. */
  readonly limit?: number;
}

/** Who started what, and what became of it. */
export interface Registry {
  /**
   * Puts work on record: a process that runs already (`pid`), or one that is about to be spawned, or work of this very process.
   * @throws OWNERSHIP_UNPROVEN when the process is not the one that the caller says, USAGE naming the field, RUN_EXISTS, FOLDER_NOT_FOUND;
   *   nothing is written then
   */
  register(request: RegisterRequest): Promise<RunHandle>;
  /**
   * Says what has changed; absent fields stay. The record is returned as it is then.
   * @throws RUN_ENDED, RUN_NOT_FOUND, OWNERSHIP_UNPROVEN, TRANSITION_ILLEGAL (also: the process of a run with a shim), USAGE; nothing is written
   */
  checkpoint(id: RunId, change: Checkpoint): Promise<RunRecord>;
  /**
   * Says that it has ended. It takes effect once: a second call returns the first outcome, whoever wrote it; one whose write failed may be
   * repeated. While something of it lives (other than this process) the run is not called ended: it is `lingering`, and this may be repeated.
   * @throws RUN_NOT_FOUND, USAGE; TRANSITION_ILLEGAL for a run with a shim, which alone ends it
   */
  complete(id: RunId, completion?: Completion): Promise<RunRecord>;
  /**
   * Interrupts the active runs of a scope.
   * @throws SCOPE_EMPTY, RUN_NOT_FOUND, RUN_AMBIGUOUS; USAGE, also for a time that is none
   */
  interrupt(scope: RunScope & InterruptRequest): Promise<InterruptReport>;
  /** Compares the records with what lives, ends those of which nothing does, and carries on with interrupts and stops that had been begun. */
  reconcileBoot(): Promise<Reconciliation>;
  /** Copies, newest `updatedAt` first, then by id. */
  list(query?: ListQuery): Promise<readonly RunRecord[]>;
  /** Resolves when what {@link Registry.reconcileBoot} carries on with is over. */
  settled(): Promise<void>;
  /** Ends the watch over recovered runs, which keeps a Node program alive. The runs go on. */
  close(): Promise<void>;
}

/** Far more writers than a run ever has. */
const MAX_ATTEMPTS = 100;
const NOTHING: Reconciliation = { checked: 0, recovered: 0, stale: 0, unstarted: 0, orphaned: 0, runs: [] };

/** A registry over ports; `createRegistry` of the library fills in what is left out. */
export function createRegistryOver(ports: RegistryPorts): Registry {
  const { runs, clock, verifier, interrupter, logger } = ports;
  const live = new Map<RunId, LiveInterrupt>();
  const watch = ports.watch(() => void settleDead());
  let carriedOn: Promise<unknown> = Promise.resolve();

  async function checkpoint(id: RunId, change: Checkpoint): Promise<RunRecord> {
    const started = proveProcess(verifier, change);
    for (let attempt = 1; ; attempt += 1) {
      const read = await findRegistered(runs, id);
      if (started !== null) assertNoShim(read);
      const { next, owner } = planCheckpoint(read, change, { started, now: clock.now() });
      if (next === read.current && owner === undefined) return read;
      try {
        const written = await runs.update(read, next, clock.now(), owner);
        if (started !== null && startedOf(read.current) === null) tellStart(written, started);
        return written;
      } catch (error) {
        const isConflict = error instanceof ReeveError && error.code === 'RUN_CONFLICT';
        if (!isConflict || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async function complete(id: RunId, completion: Completion = {}): Promise<RunRecord> {
    const record = await completeRun(ports, id, completion);
    if (isTerminal(record.current.state)) live.delete(id);
    return record;
  }

  function tellEnd(record: RunRecord): void {
    const event = exitEventOf(record);
    if (event !== null) ports.announce?.(event);
  }

  function tellStart({ intent: { id: runId } }: RunRecord, started: RunStarted): void {
    ports.announce?.({ type: 'run.started', at: started.startedAt, runId, pid: started.identity.pid });
  }

  /** A recovered run has died, and nobody else may know. */
  async function settleDead(): Promise<void> {
    try {
      const found = await reconcileWith({ runs, clock, verifier }, { trustRegistrant: () => true });
      for (const { record } of found.runs) tellEnd(record);
      watch.keep(recovered(found));
    } catch (error) {
      logger.warn('the end of a recovered run could not be written', { error });
    }
  }

  function carryOn(record: RunRecord, active: readonly RunRecord[]): void {
    const { id: runId, graceMs } = record.intent;
    const { current } = record;
    const work =
      current.state === 'stopping'
        ? interrupter.stop(record, { message: current.stop.message, graceMs })
        : carryOnInterrupt({ runs, clock, interrupter }, record, active);
    const guarded = work.catch((error: unknown) => {
      logger.warn('an interrupt that was begun before could not be carried on', { runId, error });
    });
    carriedOn = Promise.all([carriedOn, guarded]);
  }

  return {
    async register(request) {
      const started = proveProcess(verifier, request);
      const intent = intentOf(ports, request);
      const { id, cookie } = intent;
      const record = await runs.insert(
        intent,
        started === null ? { state: 'starting' } : { state: 'running', started },
      );
      if (started !== null) tellStart(record, started);
      if (request.interrupt !== undefined) live.set(id, request.interrupt);
      return {
        id,
        env: { [COOKIE_VARIABLE]: cookie },
        checkpoint: (change) => checkpoint(id, change),
        complete: (completion) => complete(id, completion),
      };
    },
    checkpoint,
    complete,
    async interrupt({ hard, dryRun, reason, graceMs, waitMs, ...fields }) {
      const scope = scopeOf(fields);
      if (graceMs !== undefined) assertWholeMs('graceMs', graceMs);
      if (waitMs !== undefined) assertWholeMs('waitMs', waitMs);
      const matched = await selectToInterrupt(runs, scope);
      const request = { hard, dryRun, reason, graceMs, waitMs };
      return interruptRuns({ runs, clock, interrupter, live }, matched, defined(request));
    },
    async reconcileBoot() {
      if (!ports.durable) return NOTHING;
      const found = await reconcileWith({ runs, clock, verifier });
      for (const { record } of found.runs) tellEnd(record);
      const open = found.runs.filter(({ record }) => !isTerminal(record.current.state)).map(({ record }) => record);
      for (const record of open) {
        const { state } = record.current;
        if (state === 'interrupting' || state === 'stopping') carryOn(record, open);
      }
      watch.keep(recovered(found));
      return found;
    },
    async list({ ids, states, scope, limit = 0 } = {}) {
      const found = await runs.list({
        ...(ids !== undefined && { ids: ids as readonly RunId[] }),
        ...(states !== undefined && { states }),
        ...(scope === undefined && { limit }),
      });
      if (scope === undefined) return found;
      const selected = selectRuns(found, scopeOf(scope));
      return limit === 0 ? selected : selected.slice(0, limit);
    },
    async settled() {
      await carriedOn;
    },
    close: () => watch.close(),
  };
}

function recovered({ runs }: Reconciliation): readonly RunRecord[] {
  return runs.filter(({ verdict }) => verdict === 'recovered').map(({ record }) => record);
}

/** Options that are absent, not `undefined`. */
function defined(request: {
  readonly [K in keyof InterruptRequest]: InterruptRequest[K] | undefined;
}): InterruptRequest {
  return Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined));
}
