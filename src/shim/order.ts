import { closeSync } from 'node:fs';
import { keepTerminalModes } from '../host/terminal-modes.ts';
import { toWireError } from '../ipc/wire-errors.ts';
import { startBackground } from './background.ts';
import { NEWS_FD, readOrder, tell, type ShimOrder } from './channel.ts';
import { runForeground } from './foreground.ts';
import type { RunRequest } from './request.ts';
import { openShimWorkplace, type ShimWorkplace } from './workplace.ts';

/** How often a shim that queues looks whether its starter lives, in milliseconds. */
const STARTER_LOOK_MS = 500;

/** The life of a shim in a process of its own: reads its order, starts the run, says so, and watches over it to the end. */
export async function runOrder(): Promise<void> {
  // A Node that cannot get its threads never comes to this line: whoever hired it waits for it.
  tell({ type: 'begun' });
  // A shim that lives for days must not keep a file system from being unmounted.
  process.chdir('/');
  keepTerminalModes();
  const order = readOrder();
  if (order === null) {
    process.exitCode = 1;
    return;
  }
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
  const starter = watchStarter();
  const queue = { onWait: (line: string) => tell({ type: 'waiting', line }), signal: starter.gone };
  const { live, warning, ended } = await startBackground(workplace, request, queue);
  starter.close();
  tell({ type: 'started', record: live.record, warning });
  closeSync(NEWS_FD);
  await ended;
}

/** Until the run has started, it is waited for by whoever wants it: with that process gone (Ctrl-C), nobody does. */
function watchStarter(): { readonly gone: AbortSignal; close(): void } {
  const { ppid } = process;
  const controller = new AbortController();
  const timer = setInterval(() => {
    if (process.ppid !== ppid) controller.abort(new Error('whoever started the run has ended'));
  }, STARTER_LOOK_MS).unref();
  return { gone: controller.signal, close: () => clearInterval(timer) };
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
