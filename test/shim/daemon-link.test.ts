import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { ReeveError } from '../../src/errors.ts';
import { connect } from '../../src/ipc/client.ts';
import type { LostPolicy } from '../../src/ipc/protocol.ts';
import type { IpcServer } from '../../src/ipc/server.ts';
import type { RunId } from '../../src/runs/record.ts';
import { DaemonLink, type DaemonLinkOptions } from '../../src/shim/daemon-link.ts';
import { createSocketServer } from '../rig/socket-server.ts';

const RUN = 'run_01JABCDEFGHJKMNPQRSTVWXYZ0' as RunId;

/** Something that answers as the daemon does, on a real socket. */
async function createDaemon(t: TestContext, lost: LostPolicy = 'stop', onAsked: () => void = () => {}) {
  let attached = Promise.withResolvers<void>();
  let settled = 0;
  let server: IpcServer | null = null;
  const place = createSocketServer(t, {
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
  });
  const start = async (): Promise<void> => {
    server = await place.start();
  };
  await start();
  return {
    start,
    reconnect: () => connect(place.socketPath),
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

type Daemon = Awaited<ReturnType<typeof createDaemon>>;

/** A run that was admitted by this daemon, which is seen by its answers alone. */
async function holdOn(
  t: TestContext,
  { reconnect }: Daemon,
  options: Pick<DaemonLinkOptions, 'onLost'> & Partial<DaemonLinkOptions>,
): Promise<DaemonLink> {
  const client = await reconnect();
  const seen = { registered: () => null, signOfLife: () => null };
  const link = new DaemonLink({ runId: RUN, client, lost: 'stop', reconnect, ...seen, ...options });
  t.after(() => link.close());
  return link;
}

describe('the hold of a limited run on the daemon', () => {
  it('L14 is taken up again when the daemon comes back, and nothing is lost then', async (t) => {
    const daemon = await createDaemon(t);
    const losses: LostPolicy[] = [];
    const link = await holdOn(t, daemon, { onLost: (policy) => losses.push(policy), lostAfterMs: 60_000 });
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
    const link = await holdOn(t, daemon, { onLost: resolve, lostAfterMs: 2_000 });
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
    const link = await holdOn(t, daemon, {
      signOfLife() {
        looks += 1;
        if (looks > signs.length) onSeenAll();
        return looks > signs.length ? looks : (signs[looks - 1] ?? null);
      },
      reconnect: () => assert.fail('it was not lost'),
      onLost: () => assert.fail('it answered'),
      beatMs: 1,
    });
    await seenAll;
    link.close();
    await daemon.stop();
    assert.deepEqual(asked, [4, 6]);
  });
});
