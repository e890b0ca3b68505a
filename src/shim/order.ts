import { closeSync } from 'node:fs';
import { toWireError } from '../ipc/wire-errors.ts';
import { startBackground } from './background.ts';
import { NEWS_FD, readOrder, tell, type ShimOrder } from './channel.ts';
import { runForeground } from './foreground.ts';
import type { RunRequest } from './request.ts';
import { openShimWorkplace, type ShimWorkplace } from './workplace.ts';

/** The life of a shim in a process of its own: reads its order, starts the run, says so, and watches over it to the end. */
export async function runOrder(): Promise<void> {
  const order = readOrder();
  try {
    const workplace = await openWorkplaceFor(order);
    await using _store = workplace.store;
    await run(workplace, order);
  } catch (error) {
    tell({ type: 'refused', error: toWireError(error) });
    process.exitCode = 1;
  }
}

async function openWorkplaceFor(order: ShimOrder): Promise<ShimWorkplace> {
  if (order.mode !== 'hosted' || order.recorded) return openShimWorkplace(process.env);
  const { openUnrecordedWorkplace } = await import('./unrecorded-workplace.ts');
  return openUnrecordedWorkplace(process.env);
}

async function run(workplace: ShimWorkplace, order: ShimOrder): Promise<void> {
  const { request } = order;
  switch (order.mode) {
    case 'background':
      return runInBackground(workplace, request);
    case 'attached':
      return runAttached(workplace, request);
    case 'hosted':
      return (await import('./hosted.ts')).runHosted(workplace, request, order.merged);
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
  const { detachFromCaller } = await import('../linux/detach.ts');
  detachFromCaller();
  await linger();
}
