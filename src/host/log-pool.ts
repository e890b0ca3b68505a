import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { LogReading, LogReadRequest } from '../usage/log-source.ts';
import { readLog } from './log-reader.ts';
import type { ReadJob } from './log-worker.ts';

/** Below this a thread would take longer to start than the reading takes. */
const WORTH_THREADS_BYTES = 32 << 20;
/** Logs handed to a thread at a time. */
const JOB_BYTES = 8 << 20;
/** More threads than this only wait for the one that writes the ledger. */
const MAX_THREADS = 4;

/** Reads logs in the order of the requests; many bytes on several threads, few on this one. */
export async function* readLogs(requests: readonly LogReadRequest[], now: number): AsyncGenerator<LogReading> {
  const bytes = requests.reduce((sum, { log, cursor }) => sum + Math.max(0, log.sizeBytes - (cursor?.offset ?? 0)), 0);
  if (bytes < WORTH_THREADS_BYTES) for (const request of requests) yield readLog(request, now);
  else yield* readOnThreads(jobsOf(requests, now));
}

function jobsOf(requests: readonly LogReadRequest[], now: number): ReadJob[] {
  const jobs: { index: number; requests: LogReadRequest[]; now: number }[] = [];
  let room = 0;
  for (const request of requests) {
    if (room <= 0) {
      jobs.push({ index: jobs.length, requests: [], now });
      room = JOB_BYTES;
    }
    jobs.at(-1)?.requests.push(request);
    room -= request.log.sizeBytes;
  }
  return jobs;
}

/** Each thread takes the next job when it has finished one; readings are held until all before them are out. */
async function* readOnThreads(jobs: readonly ReadJob[]): AsyncGenerator<LogReading> {
  const waiting = jobs.map(expectReadings);
  const threads = Array.from({ length: Math.min(MAX_THREADS, availableParallelism(), jobs.length) }, startThread);
  let next = 0;
  try {
    for (const thread of threads) feed(thread);
    for (const { promise } of waiting) yield* await promise;
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  function startThread(): Worker {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const thread = new Worker(new URL(`log-worker.${extension}`, import.meta.url));
    thread.on('message', ({ index, readings }: { index: number; readings: readonly LogReading[] }) => {
      waiting[index]?.resolve(readings);
      feed(thread);
    });
    thread.on('error', (error) => {
      for (const { reject } of waiting) reject(error);
    });
    return thread;
  }

  function feed(thread: Worker): void {
    const job = jobs[next++];
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin; that is a window's
    if (job !== undefined) thread.postMessage(job);
  }
}

/** A rejection is for whoever comes to wait; the jobs behind it are then never waited for. */
function expectReadings(): PromiseWithResolvers<readonly LogReading[]> {
  const expected = Promise.withResolvers<readonly LogReading[]>();
  expected.promise.catch(() => {});
  return expected;
}
