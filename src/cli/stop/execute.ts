import { ensureDaemon } from '../../daemon/spawn.ts';
import type { ReeveError } from '../../errors.ts';
import type { Event } from '../../events.ts';
import type { Receipt } from '../../processes/receipt.ts';
import { stopTree, VERIFY_MS } from '../../processes/stop-tree.ts';
import type { RunRecord, StopReason } from '../../runs/record.ts';
import { stopRun, type StopRunRequest } from '../../runs/stop-run.ts';
import { openRunClaims } from '../claim-ports.ts';
import type { CliIo } from '../io.ts';
import type { Workplace } from '../open.ts';
import { connectToShim } from '../../ipc/shim-client.ts';
import { attempt, splitAttempts, type Refusal } from '../refusal.ts';
import { daemonOf } from './plan.ts';
import type { StopTarget } from './plan.ts';
import { titleOf } from './text.ts';

/** Whose tree it was, and the proof. */
export interface StopOutcome {
  readonly target: StopTarget;
  readonly receipt: Receipt;
  /** Why the store does not hold all of it, though it happened; null or absent when it does. */
  readonly unrecorded?: ReeveError | null;
}

/** A stop by another's hand. */
export interface HandOver {
  readonly graceMs: number;
  readonly env: NodeJS.ProcessEnv;
  /** @defaultValue `stop` */
  readonly reason?: StopReason;
  /** @defaultValue null */
  readonly message?: string | null;
}

/** On top of grace and verification: freezing a tree that forks, writing the record, a busy machine. */
const HANDOVER_SLACK_MS = 30_000;

/** What became of the targets. */
export interface StopResults {
  readonly outcomes: readonly StopOutcome[];
  readonly refused: readonly Refusal[];
}

/**
 * Ends the targets, all at once, and each to its end: one that cannot be stopped takes nobody the proof of the others. The run that holds this
 * command itself comes last, and by another's hand: an executor is never inside the tree that it ends.
 */
export async function executeStop(
  workplace: Workplace,
  targets: readonly StopTarget[],
  request: { readonly graceMs: number; readonly io: CliIo; readonly record: (event: Event) => void },
): Promise<StopResults> {
  const { graceMs, io } = request;
  const isOwn = (target: StopTarget): boolean => target.kind === 'run' && target.callerInside;
  const others = targets.filter((target) => !isOwn(target));
  const results = await Promise.all(
    others.map((target) =>
      attempt(titleOf(target), async () => ({ target, ...(await stopFromOutside(workplace, target, request)) })),
    ),
  );
  for (const target of targets)
    if (target.kind === 'run' && target.callerInside)
      results.push(
        await attempt(titleOf(target), async () => ({
          target,
          receipt: await handOver(workplace, target.record, { graceMs, env: io.env }),
        })),
      );
  const { done: outcomes, refused } = splitAttempts<StopOutcome>(results);
  return { outcomes, refused };
}

async function stopFromOutside(
  workplace: Workplace,
  target: StopTarget,
  { graceMs, io, record }: { readonly graceMs: number; readonly io: CliIo; readonly record: (event: Event) => void },
): Promise<Omit<StopOutcome, 'target'>> {
  const { table, signaller, self } = await workplace.processes();
  const { clock } = workplace;
  const exclude = () => daemonOf(workplace);
  if (target.kind === 'agent')
    return {
      receipt: await stopTree({ table, signaller, clock, exclude }, { spec: target.spec, reason: 'stop', graceMs }),
    };
  const { runs } = await workplace.store();
  const claims = await openRunClaims(workplace, io);
  return stopRun(
    {
      runs,
      table,
      signaller,
      self,
      clock,
      claims,
      announce: record,
      exclude,
      handOver: (asked) => stopByShim(workplace, asked),
    },
    { record: target.record, reason: 'stop', message: null, graceMs },
  );
}

/** Null when no shim answers. */
async function stopByShim(
  workplace: Workplace,
  { record, reason, message, graceMs }: StopRunRequest,
): Promise<Receipt | null> {
  const { id: runId } = record.intent;
  const shim = await connectToShim(workplace.paths, runId);
  if (shim === null) return null;
  try {
    const { self } = await workplace.processes();
    const request = { runId, reason, message, graceMs, callerPid: self.pid };
    return (await shim.call('stop', request, { timeoutMs: graceMs + VERIFY_MS + HANDOVER_SLACK_MS })).receipt;
  } finally {
    shim.close();
  }
}

/**
 * The run's own shim, else the daemon, which is started when none runs: each signals this process last. The shim comes first because it
 * is outside the tree for certain; a daemon that was started from inside the run descends from it.
 */
export async function handOver(workplace: Workplace, { intent }: RunRecord, request: HandOver): Promise<Receipt> {
  const { paths } = workplace;
  const { reason = 'stop', message = null } = request;
  const { self } = await workplace.processes();
  const client = (await connectToShim(paths, intent.id)) ?? (await ensureDaemon(paths, request.env));
  try {
    const { receipt } = await client.call(
      'stop',
      { runId: intent.id, reason, message, graceMs: request.graceMs, callerPid: self.pid },
      { timeoutMs: request.graceMs + VERIFY_MS + HANDOVER_SLACK_MS },
    );
    return receipt;
  } finally {
    client.close();
  }
}
