import { rmSync } from 'node:fs';
import { shimSocket } from '../host/paths.ts';
import { linkSocket, unlinkSocket } from '../host/socket-links.ts';
import type { Methods } from '../ipc/protocol.ts';
import { serve, type IpcServer } from '../ipc/server.ts';
import { peerCredentials } from '../linux/peer-credentials.ts';
import { identityOf } from '../processes/identity-of.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { RunId } from '../runs/record.ts';
import { ReeveError } from '../errors.ts';
import { complain } from './messages.ts';
import type { RunInput } from './run-input.ts';
import type { Supervisor } from './supervisor.ts';
import type { ShimWorkplace } from './workplace.ts';

/** Pause between two looks for the socket: a hundred idle shims are not to be noticed, and a run does without its socket but for `send`. */
const LOOK_EVERY_MS = 10_000;

type StopParams = Methods['stop']['params'];

/** What callers reach through the socket. */
export interface ServedRun {
  readonly runId: RunId;
  readonly supervisor: Supervisor;
  readonly input: RunInput;
}

/**
 * Serves `stop` and `send` for this run. An executor of a stop must be outside the tree that it ends: a caller inside hands its request to the
 * shim, is signalled last, and has its answer before that. Null when the socket cannot be made: the run goes on, and callers are refused.
 */
export async function serveRun(
  workplace: ShimWorkplace,
  { runId, supervisor, input }: ServedRun,
): Promise<Pick<IpcServer, 'close'> | null> {
  const socketPath = shimSocket(workplace.paths, runId);
  try {
    // Ours alone by its name; what is there can only be left over from a crash.
    rmSync(socketPath, { force: true });
    const server = await serve({
      socketPath,
      uid: process.getuid?.() ?? 0,
      peerOf: peerCredentials,
      handlers: { stop: (params, { peer }) => stopForCaller(params, peer.pid), send },
      onFault: (error) => complain(`a request to the run failed: ${String(error)}`),
      lookEveryMs: LOOK_EVERY_MS,
      onListenAnew: () => linkSocket(workplace.paths, socketPath),
      // Whoever stops the run does without, by its record; and the terminal is the command's.
      onDeaf() {},
    });
    linkSocket(workplace.paths, socketPath);
    return {
      async close() {
        await server.close();
        unlinkSocket(workplace.paths, socketPath);
      },
    };
  } catch (error) {
    complain(
      `no stop from inside the run and no send is possible: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }

  /** The peer's own word about its PID is not needed: the kernel gives it. */
  async function stopForCaller(params: StopParams, callerPid: number): Promise<{ receipt: Receipt }> {
    assertOurs(params);
    const caller = identityOf(workplace.table, callerPid);
    const { promise, resolve, reject } = Promise.withResolvers<Receipt>();
    const { reason, message, graceMs } = params;
    const beforeLast = async (receipt: Receipt): Promise<void> => resolve(receipt);
    // Whichever comes first: a caller that is not inside the tree, or is dead by then, is nobody to wait for.
    supervisor
      .stop({ reason, message, graceMs, ...(caller === null ? {} : { last: caller, beforeLast }) })
      .then(resolve, reject);
    return { receipt: await promise };
  }
  async function send(params: Methods['send']['params']): Promise<{ ok: true }> {
    assertOurs(params);
    await input.write(Buffer.from(params.data, 'base64'));
    if (params.close) await input.close();
    return { ok: true };
  }

  function assertOurs(params: { readonly runId: RunId }): void {
    if (params.runId !== runId) throw new ReeveError('RUN_NOT_FOUND', `this is the shim of ${runId}`, { where: runId });
  }
}
