import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { ReeveError } from '../../src/errors.ts';
import { connect } from '../../src/ipc/client.ts';
import type { LostPolicy } from '../../src/ipc/protocol.ts';
import { serve, type IpcServer } from '../../src/ipc/server.ts';
import { peerCredentials } from '../../src/linux/peer-credentials.ts';
import type { RunId } from '../../src/runs/record.ts';
import { DaemonLink } from '../../src/shim/daemon-link.ts';

const RUN = 'run_01JABCDEFGHJKMNPQRSTVWXYZ0' as RunId;

/** Something that answers as the daemon does, on a real socket. */
async function createDaemon(t: TestContext, lost: LostPolicy = 'stop', onAsked: () => void = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-link-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const socketPath = join(folder, 'd.sock');
  let attached = Promise.withResolvers<void>();
  let settled = 0;
  let server: IpcServer | null = null;
  const start = async (): Promise<void> => {
    server = await serve({
      socketPath,
      uid: process.getuid?.() ?? 0,
      peerOf: peerCredentials,
      onFault: (error) => assert.fail(String(error)),
      onListenAnew: () => assert.fail('the socket was there'),
      onDeaf: (error) => assert.fail(String(error)),
      handlers: {
        attach: async ({ runId }) => {
          assert.equal(runId, RUN);
          attached.resolve();
          return { lost };
        },
        // Not what a daemon of this version answers, but any answer is a sign of life.
        status() {
          onAsked();
          return Promise.reject(new ReeveError('USAGE', 'no method status here'));
        },
        settle: async () => {
          settled += 1;
          return { ok: true };
        },
      },
    });
  };
  await start();
  return {
    start,
    reconnect: () => connect(socketPath),
    stop: async () => {
      await server?.close();
      attached = Promise.withResolvers<void>();
    },
    attached: () => attached.promise,
    /** Resolves when the link has the daemon's answer and uses the connection. */
    inUseBy: async (link: DaemonLink) => {
      const before = settled;
      const isUsed = (): boolean => settled > before;
      for (; !isUsed(); await immediate()) await link.settle();
    },
  };
}

describe('the hold of a limited run on the daemon', () => {
  it('L14 is taken up again when the daemon comes back, and nothing is lost then', async (t) => {
    const daemon = await createDaemon(t);
    const losses: LostPolicy[] = [];
    const { reconnect } = daemon;
    const link = new DaemonLink({
      runId: RUN,
      client: await reconnect(),
      lost: 'stop',
      registered: () => null,
      signOfLife: () => null,
      reconnect,
      onLost: (policy) => losses.push(policy),
      lostAfterMs: 60_000,
    });
    t.after(() => link.close());
    await daemon.stop();
    await daemon.start();
    await daemon.attached();
    await daemon.inUseBy(link);
    link.close();
    await daemon.stop();
    assert.deepEqual(losses, []);
  });

  it('L14 leaves the decision to `lost`, as the daemon said last, when it stays away', async (t) => {
    const daemon = await createDaemon(t, 'warn');
    const { promise, resolve } = Promise.withResolvers<LostPolicy>();
    const { reconnect } = daemon;
    const link = new DaemonLink({
      runId: RUN,
      client: await reconnect(),
      lost: 'stop',
      registered: () => null,
      signOfLife: () => null,
      reconnect,
      onLost: resolve,
      lostAfterMs: 2_000,
    });
    t.after(() => link.close());
    await daemon.stop();
    await daemon.start();
    await daemon.attached();
    await daemon.inUseBy(link);
    await daemon.stop();
    assert.equal(await promise, 'warn');
  });

  it('asks only when the sign of life stands still, or is not to be seen', async (t) => {
    const asked: number[] = [];
    let looks = 0;
    const daemon = await createDaemon(t, 'stop', () => asked.push(looks));
    const signs: readonly (number | null)[] = [1, 2, 3, 3, 4, null, 5];
    const { promise: seenAll, resolve: onSeenAll } = Promise.withResolvers<void>();
    const link = new DaemonLink({
      runId: RUN,
      client: await daemon.reconnect(),
      lost: 'stop',
      registered: () => null,
      signOfLife() {
        looks += 1;
        if (looks > signs.length) onSeenAll();
        return looks > signs.length ? looks : (signs[looks - 1] ?? null);
      },
      reconnect: () => assert.fail('it was not lost'),
      onLost: () => assert.fail('it answered'),
      beatMs: 1,
    });
    t.after(() => link.close());
    await seenAll;
    link.close();
    await daemon.stop();
    assert.deepEqual(asked, [4, 6]);
  });
});
