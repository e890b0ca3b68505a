import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { toWireError } from '../ipc/wire-errors.ts';
import { admit } from './admission.ts';
import { COMMAND_FDS, CONTROL_FD, tell, type ShimControl } from './channel.ts';
import type { RunRequest } from './request.ts';
import { startRun, type LiveRun, type OpenedStdio } from './run.ts';
import type { Supervisor } from './supervisor.ts';
import type { ShimWorkplace } from './workplace.ts';

/**
 * Runs a command for a program that uses the library, and no longer than that lives: the program holds the other ends of the command's standard
 * descriptors, and when its end of the control line closes, the tree is stopped.
 * @throws whatever keeps the command from being started
 */
export async function runHosted(workplace: ShimWorkplace, request: RunRequest, merged: boolean): Promise<void> {
  const admitted = await admit(workplace, request, { background: false });
  // Whatever becomes of this process from here on: its caller can find what it has started.
  tell({ type: 'admitted', record: admitted.record });
  const live = await startRun(workplace, admitted, request, {
    openStdio: () => standardOf(merged),
    ownSession: true,
    signals: 'background',
  });
  tell({ type: 'started', record: live.record });
  const control = listen(live.supervisor, request);
  try {
    await watch(live);
  } finally {
    control.close();
    await live.close();
  }
}

/** Only the command and its children hold them from then on: when those are gone, the caller reads the end. */
function standardOf(merged: boolean): OpenedStdio {
  const [stdin, stdout, stderr] = COMMAND_FDS;
  const own = merged ? [stdin, stdout] : [stdin, stdout, stderr];
  return {
    stdio: [stdin, stdout, merged ? stdout : stderr],
    close() {
      for (const fd of own) closeSync(fd);
    },
  };
}

async function watch({ end, daemon }: LiveRun): Promise<void> {
  const { ending } = await end();
  await daemon?.settle();
  tell({ type: 'closed', ending });
}

function listen(supervisor: Supervisor, { graceMs }: RunRequest): { close(): void } {
  const socket = new Socket({ fd: CONTROL_FD });
  let closed = false;
  // A caller that was killed resets the line; 'close' follows.
  socket.on('error', () => {});
  socket.once('close', () => {
    if (!closed) void stop({ type: 'stop', message: 'the program that started it has ended', graceMs });
  });
  createInterface({ input: socket }).on('line', (line) => void stop(JSON.parse(line) as ShimControl));
  return {
    close() {
      closed = true;
      socket.destroy();
    },
  };

  async function stop({ message, graceMs: grace }: ShimControl): Promise<void> {
    try {
      tell({ type: 'stopped', receipt: await supervisor.stop({ reason: 'stop', message, graceMs: grace }) });
    } catch (error) {
      tell({ type: 'stop-failed', error: toWireError(error) });
    }
  }
}
