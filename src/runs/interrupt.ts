import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import { outlived, OUTLIVE_MS, settle } from './interrupt-end.ts';
import { isTerminal, nextState, startedOf } from './lifecycle.ts';
import type { RunEvent } from './run-event.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord, RunStateName } from './record.ts';
import type { LiveInterrupt } from './registration.ts';
import type { Interrupter, InterruptPlan, SeenProcess } from './registry-ports.ts';
import { redactArguments } from './redact.ts';

export interface InterruptPorts {
  readonly runs: RunStore;
  readonly clock: Clock;
  readonly interrupter: Interrupter;
  /** Callbacks of runs that were registered by this process. */
  readonly live: ReadonlyMap<RunId, LiveInterrupt>;
}

export interface InterruptRequest {
  /** Verified stop of the whole tree instead of asking. @defaultValue false */
  readonly hard?: boolean;
  /** Signals nothing, writes nothing. @defaultValue false */
  readonly dryRun?: boolean;
  /** Why; stays on the record. */
  readonly reason?: string;
  /** Hard: time between TERM and KILL in milliseconds. @defaultValue the run's own */
  readonly graceMs?: number;
  /** Soft: how long a run may take to end before it is said to have outlived the interrupt, in milliseconds. @defaultValue 2000 */
  readonly waitMs?: number;
}

export interface InterruptedRun {
  readonly id: RunId;
  /**
   * - `signaled`: it was asked or stopped, now or by an interrupt before
   * - `stale`: nothing of it lives
   * - `unavailable`: no signal of ours reaches it, its callback failed, or something survived
   */
  readonly outcome: 'signaled' | 'stale' | 'unavailable';
  /** Of its record, when the interrupt was over. */
  readonly state: RunStateName;
  /** Why it is not `signaled`; else null. */
  readonly error: string | null;
  /** Whom INT was sent to; in a dry run, whom INT or the stop would reach. Empty for a callback, and for a stop, which has a receipt. */
  readonly processes: readonly SeenProcess[];
}

/** `matched` is the sum of the next three. */
export interface InterruptReport {
  readonly matched: number;
  readonly signaled: number;
  readonly stale: number;
  readonly unavailable: number;
  readonly runs: readonly InterruptedRun[];
}

/**
 * Interrupts these runs, all at once; one that fails does not stop the others. Asked twice it does no harm: the first reason stays, and
 * nobody is signalled again.
 * @param active all active runs: what belongs to one that is not selected is spared
 */
export async function interruptRuns(
  ports: InterruptPorts,
  { selected, active }: { readonly selected: readonly RunRecord[]; readonly active: readonly RunRecord[] },
  request: InterruptRequest = {},
): Promise<InterruptReport> {
  const message = request.reason === undefined ? null : (redactArguments([request.reason])[0] ?? null);
  const runs = await Promise.all(
    selected.map(async (record): Promise<InterruptedRun> => {
      const outcome = await interruptOne(ports, { record, active, message, request });
      const after = (await ports.runs.get(record.intent.id)) ?? record;
      return { id: record.intent.id, ...outcome, state: after.current.state };
    }),
  );
  const count = (outcome: InterruptedRun['outcome']) => runs.filter((run) => run.outcome === outcome).length;
  const [signaled, stale, unavailable] = [count('signaled'), count('stale'), count('unavailable')];
  return { matched: signaled + stale + unavailable, signaled, stale, unavailable, runs };
}

interface One {
  readonly record: RunRecord;
  readonly active: readonly RunRecord[];
  readonly message: string | null;
  readonly request: InterruptRequest;
}

type Outcome = Omit<InterruptedRun, 'id' | 'state'>;

async function interruptOne(ports: InterruptPorts, one: One): Promise<Outcome> {
  const { record, request } = one;
  if (isTerminal(record.current.state)) return not('stale', `it has ended (${record.current.state})`);
  try {
    return await (request.hard === true && !isCallbackAlone(ports, record) ? hard(ports, one) : soft(ports, one));
  } catch (error) {
    return not('unavailable', textOf(error));
  }
}

/** Work without a process can only be asked. */
function isCallbackAlone({ live }: InterruptPorts, { intent, current }: RunRecord): boolean {
  return live.has(intent.id) && startedOf(current) === null;
}

async function hard({ interrupter }: InterruptPorts, { record, active, message, request }: One): Promise<Outcome> {
  const plan = interrupter.plan(record, active);
  if (plan.kind === 'unavailable' && plan.elsewhere) return not('unavailable', plan.why);
  const isStale = plan.kind === 'stale';
  if (request.dryRun === true) return isStale ? not('stale', plan.why) : reached(interrupter.treeOf(record));
  // Also of a stale one: its record is closed by it.
  const stopped = await interrupter.stop(record, { message, graceMs: request.graceMs ?? record.intent.graceMs });
  if (!stopped.provenEmpty) return not('unavailable', 'something of it survived; its receipt names it');
  return isStale ? not('stale', plan.why) : reached([]);
}

async function soft(ports: InterruptPorts, one: One): Promise<Outcome> {
  const { runs, clock, interrupter, live } = ports;
  const { record, active, message, request } = one;
  const callback = live.get(record.intent.id);
  if (isAsked(record)) return reached([]);
  const plan: InterruptPlan = callback === undefined ? interrupter.plan(record, active) : CALLBACK;
  if (plan.kind !== 'signal') return not(plan.kind, plan.why);
  if (request.dryRun === true) return reached(plan.processes);

  const interrupt = { reason: 'interrupt', message, requestedAt: clock.now() } as const;
  const asked = await begin(runs, record, { type: 'interrupt-requested', interrupt }, clock);
  if (asked === null) return reached([]);
  const waitMs = request.waitMs ?? OUTLIVE_MS;
  if (callback !== undefined) {
    const failure = await ask(callback, message, { clock, waitMs });
    if (failure !== null) return giveUp(ports, asked, not('unavailable', failure));
    await settle(ports, asked, { message, waitMs });
    return reached([]);
  }
  const sent = interrupter.signal(asked, active);
  if (sent.kind !== 'signal') return giveUp(ports, asked, not(sent.kind, sent.why));
  await settle(ports, asked, { message, waitMs });
  return reached(sent.processes);
}

async function giveUp(ports: InterruptPorts, record: RunRecord, outcome: Outcome): Promise<Outcome> {
  await outlived(ports, record);
  return outcome;
}

/** Makes the interrupt ours, so that of several at once one signals. Null: somebody else's it is, or a stop's. */
async function begin(runs: RunStore, read: RunRecord, event: RunEvent, clock: Clock): Promise<RunRecord | null> {
  for (let record = read; ;) {
    if (isAsked(record)) return null;
    try {
      return await runs.update(record, nextState(record.current, event), clock.now());
    } catch (error) {
      if (!(error instanceof ReeveError && error.code === 'RUN_CONFLICT')) throw error;
      const fresh = await runs.get(read.intent.id);
      if (fresh === null) throw error;
      record = fresh;
    }
  }
}

/** What the callback's failure says; null when it did what it was asked. */
async function ask(
  callback: LiveInterrupt,
  message: string | null,
  { clock, waitMs }: { readonly clock: Clock; readonly waitMs: number },
): Promise<string | null> {
  const late = Symbol('late');
  try {
    const answer = await Promise.race([callback(message), clock.sleep(waitMs).then(() => late)]);
    return answer === late ? `its callback did not answer in ${waitMs} ms` : null;
  } catch (error) {
    return `its callback failed: ${textOf(error)}`;
  }
}

const CALLBACK: InterruptPlan = { kind: 'signal', processes: [] };

function isAsked({ current: { state } }: RunRecord): boolean {
  return state === 'interrupting' || state === 'stopping';
}

function reached(processes: readonly SeenProcess[]): Outcome {
  return { outcome: 'signaled', error: null, processes };
}

function not(outcome: 'stale' | 'unavailable', error: string): Outcome {
  return { outcome, error, processes: [] };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
