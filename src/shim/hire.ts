import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { extname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { ReeveError } from '../errors.ts';
import { obstacleToStart, OUT_OF_RESOURCES, START_ABORT, START_LOOK_MS } from '../host/node-start.ts';
import type { Paths } from '../host/paths.ts';
import { openProgramLog } from '../host/program-log.ts';
import { answerWithin } from '../ipc/patience.ts';
import { fromWireError } from '../ipc/wire-errors.ts';
import { TOO_MANY_PROCESSES } from '../system-error.ts';
import { NEWS_FD, ORDER_FD, type ShimNews, type ShimOrder } from './channel.ts';

/** How long a shim may take to come up where nothing shows what keeps it, in milliseconds: a cold start on a busy machine, with room. */
const START_PATIENCE_MS = 30_000;
/** Size at which the log of background shims is set aside. It holds only what no shim should ever say. */
const MAX_LOG_BYTES = 1024 * 1024;

/** A shim that was started in a process of its own. */
export interface HiredShim {
  readonly child: ChildProcess;
  /** The next thing it tells. @throws what kept the run from being started */
  news(): Promise<ShimNews>;
}

/** What a shim without a log has as its standard descriptors. A program's own are no business of a shim but for its complaints. */
const STANDARD: Readonly<Record<ShimOrder['mode'], ('inherit' | 'ignore')[]>> = {
  background: ['ignore', 'ignore', 'ignore'],
  attached: ['inherit', 'inherit', 'inherit'],
  hosted: ['ignore', 'ignore', 'inherit'],
};

/** For V8, in MiB: a shim lives as long as its agent and makes little garbage. `bin/reeve` does the same for `run`. */
const SMALL_NURSERY = '--max-semi-space-size=1';

/**
 * Starts a shim of its own: for `start` and for programs in a session of its own, for `run --keep-background` in ours, on our descriptors.
 * @param more descriptors after those of the orders and the news
 * @throws STORE_UNREACHABLE, STORE_FULL when there is no place for its log, and what keeps a process from being started
 */
export async function hireShim(
  paths: Paths,
  env: NodeJS.ProcessEnv,
  order: ShimOrder,
  more: readonly ('pipe' | number)[] = [],
): Promise<HiredShim> {
  const recorded = order.mode === 'background' || (order.mode === 'hosted' && order.recorded);
  const logFile = join(paths.stateDir, 'shim.log');
  const log = recorded ? openProgramLog(logFile, MAX_LOG_BYTES) : null;
  const standard: ('inherit' | 'ignore' | number)[] = log === null ? STANDARD[order.mode] : ['ignore', log, log];
  const main = join(import.meta.dirname, extname(import.meta.filename) === '.ts' ? 'main.ts' : 'main.cjs');
  const stdio: StdioOptions = [...standard, 'pipe', 'pipe', ...more];
  // In the caller's folder, which it leaves by itself: what NODE_OPTIONS names may be relative to it.
  const child = spawn(process.execPath, [SMALL_NURSERY, main], {
    env,
    detached: order.mode !== 'attached',
    stdio,
  });
  if (log !== null) closeSync(log);
  // Without a process there may not even be descriptors.
  if (child.pid === undefined) throw (await once(child, 'error'))[0];
  child.on('error', () => {});
  const orders = child.stdio[ORDER_FD] as Writable;
  // A shim that dies before it reads is noticed by the end of its news.
  orders.on('error', () => {});
  orders.end(JSON.stringify(order));
  return { child, news: newsReader(child, log === null ? null : logFile) };
}

function newsReader(child: ChildProcess, logFile: string | null): () => Promise<ShimNews> {
  const lines = createInterface({ input: child.stdio[NEWS_FD] as Readable })[Symbol.asyncIterator]();
  let begun: Promise<void> | undefined;
  return async () => {
    begun ??= awaitBegin(child, lines.next(), logFile);
    await begun;
    const line = await lines.next();
    if (line.done === true)
      throw new ReeveError('RUN_NOT_RUNNING', 'the shim of the run died', {
        hint: '`reeve doctor` finds what it left',
      });
    const news = JSON.parse(line.value) as ShimNews;
    if (news.type === 'refused') throw fromWireError(news.error);
    return news;
  };
}

/**
 * Waits until the shim's Node is up. What would keep it from that is looked for while it says nothing, and with no answer to that either it is not
 * waited for much longer.
 * @throws SYSTEM_ERROR, RUN_NOT_RUNNING when it does not come up: it is dead then, and has put nothing on record
 */
async function awaitBegin(
  child: ChildProcess,
  firstLine: Promise<IteratorResult<string>>,
  logFile: string | null,
): Promise<void> {
  const where = logFile === null ? {} : { where: logFile };
  for (let waitedMs = START_LOOK_MS; ; waitedMs += START_LOOK_MS) {
    const line = await answerWithin(firstLine, START_LOOK_MS);
    if (line !== 'silent') {
      if (line.done !== true) return;
      throw await diedAtStart(child, where);
    }
    const obstacle = obstacleToStart();
    if (obstacle === null && waitedMs < START_PATIENCE_MS) continue;
    // The PID is the child's: nobody has waited for it.
    child.kill('SIGKILL');
    await exitOf(child);
    const why = obstacle?.message ?? `nothing was heard of it for ${START_PATIENCE_MS / 1000} s`;
    const hint = obstacle?.hint ?? TOO_MANY_PROCESSES;
    throw new ReeveError('SYSTEM_ERROR', `the shim of the run did not start (${why})`, { ...where, hint });
  }
}

async function diedAtStart(child: ChildProcess, where: { readonly where?: string }): Promise<ReeveError> {
  await exitOf(child);
  const { exitCode, signalCode } = child;
  const message = `the shim of the run did not start (${signalCode ?? `exit ${exitCode}`})`;
  if (signalCode === START_ABORT) return new ReeveError('SYSTEM_ERROR', message, { ...where, hint: OUT_OF_RESOURCES });
  return new ReeveError('RUN_NOT_RUNNING', message, { ...where, hint: 'its last words say why' });
}

async function exitOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
