import { closeSync } from 'node:fs';
import { toWireError } from '../ipc/wire-errors.ts';
import { detachFromCaller } from '../linux/detach.ts';
import { startBackground } from './background.ts';
import { NEWS_FD, readOrder, tell } from './channel.ts';
import { runForeground } from './foreground.ts';
import type { RunRequest } from './request.ts';
import { openShimWorkplace, type ShimWorkplace } from './workplace.ts';

/** The life of a shim in a process of its own: reads its order, starts the run, says so, and watches over it to the end. */
export async function runOrder(): Promise<void> {
  const { mode, request } = readOrder();
  try {
    const workplace = await openShimWorkplace(process.env);
    await using _store = workplace.store;
    await (mode === 'background' ? runInBackground(workplace, request) : runAttached(workplace, request));
  } catch (error) {
    tell({ type: 'refused', error: toWireError(error) });
    process.exitCode = 1;
  }
}

async function runInBackground(workplace: ShimWorkplace, request: RunRequest): Promise<void> {
  const { live, ended } = await startBackground(workplace, request);
  tell({ type: 'started', record: live.record });
  closeSync(NEWS_FD);
  await ended;
}

async function runAttached(workplace: ShimWorkplace, request: RunRequest): Promise<void> {
  const { plan, linger } = await runForeground(workplace, request);
  tell({ type: 'ended', plan });
  closeSync(NEWS_FD);
  if (linger === null) return;
  detachFromCaller();
  await linger();
}
