import { ReeveError } from '../errors.ts';
import { sameIdentity, type Identity } from '../processes/identity.ts';
import { assertCompletion, planCompletion, type Completion } from './checkpoint.ts';
import { isCarriedOut } from './executor.ts';
import { exitEventOf } from './exit-event.ts';
import { isTerminal, startedOf } from './lifecycle.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';
import type { RegistryPorts } from './registry-ports.ts';

type CompletePorts = Pick<RegistryPorts, 'runs' | 'clock' | 'verifier' | 'registrant' | 'announce'>;

/** Far more writers than a run ever has. */
const MAX_ATTEMPTS = 100;
/** How long whoever stops a run of which nothing lives may take to write its end, and how often that is looked at. */
const EXECUTOR_MS = 2_000;
const EXECUTOR_POLL_MS = 5;

/**
 * Says how a run without a shim has ended. It takes effect once: said again, it gives the first outcome. Of a run that somebody is stopping
 * the exit is kept, and the end is theirs to write and to tell of.
 * @throws RUN_NOT_FOUND, USAGE; TRANSITION_ILLEGAL for a run with a shim
 */
export async function completeRun(ports: CompletePorts, id: RunId, completion: Completion): Promise<RunRecord> {
  assertCompletion(completion);
  const { runs, clock } = ports;
  for (let attempt = 1; ; attempt += 1) {
    const read = await findRegistered(runs, id);
    if (isTerminal(read.current.state)) return read;
    assertNoShim(read);
    const nothingLives = isEmpty(ports, read);
    const isTheirs = isCarriedOut(read, (executor) => isThere(ports, executor));
    const isEnd = nothingLives && !isTheirs;
    const next = planCompletion(read.current, completion, { isEmpty: isEnd, now: clock.now() });
    if (next === read.current) return read;
    try {
      const written = await runs.update(read, next, clock.now());
      if (nothingLives && isTheirs) return await endOfStop(ports, written);
      const end = exitEventOf(written);
      if (end !== null) ports.announce?.(end);
      return written;
    } catch (error) {
      const isLate = error instanceof ReeveError && (error.code === 'RUN_ENDED' || error.code === 'RUN_CONFLICT');
      if (!isLate || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** @throws RUN_NOT_FOUND */
export async function findRegistered(runs: RunStore, id: RunId): Promise<RunRecord> {
  const record = await runs.get(id);
  if (record === null) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
  return record;
}

/** A shim is the parent of its run's command: it knows better. @throws TRANSITION_ILLEGAL */
export function assertNoShim({ intent: { id, shim } }: RunRecord): void {
  if (shim === null) return;
  throw new ReeveError(
    'TRANSITION_ILLEGAL',
    `run ${id} has a shim, which alone says what its process is and how it ends`,
    { where: id, hint: `To end it: reeve stop ${id}` },
  );
}

/** True for work of this very process too, which is there until it says otherwise. */
function isEmpty({ verifier, registrant }: CompletePorts, record: RunRecord): boolean {
  const leader = startedOf(record.current)?.identity;
  if (leader === undefined || leader.pid === registrant.pid) return true;
  if (isThere({ verifier }, leader)) return false;
  const survey = verifier.survey();
  return survey.membersOf(record).length === 0 && (survey.suspectsOf?.(record) ?? []).length === 0;
}

function isThere({ verifier }: Pick<CompletePorts, 'verifier'>, process: Identity): boolean {
  const seen = verifier.observe(process.pid);
  return seen !== null && sameIdentity(seen.identity, process);
}

/** Nothing of the run lives: whoever stops it is about to write its end, with the exit that was told. */
async function endOfStop({ runs, clock }: CompletePorts, told: RunRecord): Promise<RunRecord> {
  const deadline = clock.monotonicMs() + EXECUTOR_MS;
  for (let record = told; ; record = await findRegistered(runs, told.intent.id)) {
    if (isTerminal(record.current.state) || clock.monotonicMs() >= deadline) return record;
    await clock.sleep(EXECUTOR_POLL_MS);
  }
}
