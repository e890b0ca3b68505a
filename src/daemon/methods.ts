import { ReeveError } from '../errors.ts';
import type { DaemonStatus, LostPolicy } from '../ipc/protocol.ts';
import type { Handlers } from '../ipc/server.ts';
import type { Identity } from '../processes/identity.ts';
import type { Receipt } from '../processes/receipt.ts';
import { outcomeOf } from '../runs/lifecycle.ts';
import type { RunId, RunRecord, StopReason } from '../runs/record.ts';
import type { Store } from '../store/store.ts';

/** A stop asked for by a process inside the tree. */
export interface InsideStop {
  readonly record: RunRecord;
  readonly reason: StopReason;
  readonly message: string | null;
  readonly graceMs: number;
  /** The caller: signalled last, when all the rest is dead. */
  readonly last: Identity;
  /** Told the caller's receipt while the caller still lives. */
  readonly beforeLast: (receipt: Receipt) => Promise<void>;
}

export interface MethodPorts {
  readonly store: Store;
  readonly lost: () => LostPolicy;
  /** What is wrong with the config file; null when it is in force. */
  readonly rejected: () => ReeveError | null;
  /** Why no limits can be enforced; null when they can. */
  readonly blocked: () => ReeveError | null;
  /** Why the runs that others start now are not in the store; null when they are. */
  readonly storeMoved: () => ReeveError | null;
  /** Reads all logs and the config to their ends and enforces what follows. */
  readonly enforceNow: () => Promise<void>;
  /** Settles when a limit has said something. */
  readonly nextWarning: () => Promise<void>;
  readonly status: () => DaemonStatus;
  /** Resolves when limits are being enforced: as a rule at once. */
  readonly unstuck: () => Promise<void>;
  readonly shutDown: () => void;
  readonly stopFromInside: (order: InsideStop) => Promise<Receipt>;
  readonly identityOf: (pid: number) => Identity | null;
  /** A run's shim went away. */
  readonly onDetached: (id: RunId) => void;
  readonly now: () => number;
}

/** What the daemon answers. */
export function createMethods(
  ports: MethodPorts,
): Handlers<'admit' | 'attach' | 'settle' | 'warnings' | 'status' | 'shutdown' | 'stop'> {
  const { store } = ports;

  async function activeRun(id: RunId): Promise<RunRecord> {
    const record = await store.runs.get(id);
    if (record === null) throw ports.storeMoved() ?? new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
    if (outcomeOf(record.current) !== null) throw new ReeveError('RUN_ENDED', `run ${id} has ended`, { where: id });
    return record;
  }

  return {
    async admit({ runId }, connection) {
      const { intent } = await activeRun(runId);
      await ports.enforceNow();
      const blocked = ports.blocked();
      if (blocked !== null) throw blocked;
      const { project, branch, agent, name, labels } = intent;
      const place = { project, branch, agent, run: name, labels };
      const [lockout] = await store.lockouts.covering(place, ports.now());
      if (lockout !== undefined) return { admitted: false, lockout };
      connection.onClose(() => ports.onDetached(runId));
      const rejected = ports.rejected();
      return { admitted: true, lost: ports.lost(), ...(rejected !== null && { configProblem: rejected.message }) };
    },
    async attach({ runId }, connection) {
      await activeRun(runId);
      connection.onClose(() => ports.onDetached(runId));
      // What was spent while nobody looked counts at once.
      await ports.enforceNow();
      return { lost: ports.lost() };
    },
    async settle() {
      await ports.enforceNow();
      return { ok: true };
    },
    async warnings({ runId, seen }, connection) {
      const { promise: gone, resolve: leave } = Promise.withResolvers<'gone'>();
      connection.onClose(() => leave('gone'));
      for (;;) {
        // Asked for before the look: what comes in between is not missed.
        const next = ports.nextWarning();
        const warnings = await store.lockouts.warnings({ runId });
        if (warnings.length > seen || (await Promise.race([next, gone])) === 'gone') return { warnings };
      }
    },
    async status() {
      // Whoever asks this asks whether there is a daemon to rely on: one that enforces nothing is none, and is replaced as one that hangs.
      await ports.unstuck();
      return ports.status();
    },
    async shutdown() {
      ports.shutDown();
      return { ok: true };
    },
    async stop({ runId, reason, message, graceMs, callerPid }, connection) {
      if (callerPid !== connection.peer.pid)
        throw new ReeveError('PERMISSION_DENIED', `process ${connection.peer.pid} cannot speak for ${callerPid}`);
      const record = await activeRun(runId);
      const last = ports.identityOf(callerPid);
      if (last === null) throw new ReeveError('OWNERSHIP_UNPROVEN', `process ${callerPid} is not to be seen from here`);
      const answer = Promise.withResolvers<Receipt>();
      const order = { record, reason, message, graceMs, last };
      const beforeLast = async (receipt: Receipt): Promise<void> => answer.resolve(receipt);
      ports.stopFromInside({ ...order, beforeLast }).then(answer.resolve, answer.reject);
      return { receipt: await answer.promise };
    },
  };
}
