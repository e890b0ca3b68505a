import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { LogReading, LogReadRequest } from '../usage/log-source.ts';
import { readLog } from './log-reader.ts';
import { readNextJob, type JobReadings, type SharedWork } from './log-worker.ts';

/** Below this a thread would take longer to start than the reading takes. */
const WORTH_THREADS_BYTES = 32 << 20;
/** Logs that are read at a time. */
const JOB_BYTES = 4 << 20;
/** With more threads than this, all wait for the one that writes the ledger. */
const MAX_THREADS = 4;

/** Room for what one job leaves behind: collecting it more often costs a tenth of the reading. */
const THREAD_LIMITS = { maxYoungGenerationSizeMb: 64 };

/** Reads logs in the order of the requests; many bytes on several threads, few on this one. */
export async function* readLogs(requests: readonly LogReadRequest[], now: number): AsyncGenerator<LogReading> {
  const bytes = requests.reduce((sum, { log, cursor }) => sum + Math.max(0, log.sizeBytes - (cursor?.offset ?? 0)), 0);
  if (bytes < WORTH_THREADS_BYTES) for (const request of requests) yield readLog(request, now);
  else yield* readOnThreads({ jobs: jobsOf(requests), next: new Int32Array(new SharedArrayBuffer(4)), now });
}

function jobsOf(requests: readonly LogReadRequest[]): LogReadRequest[][] {
  const jobs: LogReadRequest[][] = [];
  let room = 0;
  for (const request of requests) {
    if (room <= 0) {
      jobs.push([]);
      room = JOB_BYTES;
    }
    jobs.at(-1)?.push(request);
    room -= request.log.sizeBytes;
  }
  return jobs;
}

/** This thread writes what is read, and reads along whenever it would have to wait. Readings are held until all before them are out. */
async function* readOnThreads(shared: SharedWork): AsyncGenerator<LogReading> {
  const { jobs } = shared;
  const done = new Map<number, JobReadings['readings']>();
  const threads = Array.from({ length: Math.max(1, Math.min(MAX_THREADS, availableParallelism()) - 1) }, startThread);
  let arrival = Promise.withResolvers<void>();
  const failures: unknown[] = [];
  try {
    for (let index = 0; index < jobs.length; index++) {
      while (!done.has(index)) {
        // What the threads have read meanwhile comes first: this thread reads on only while there is nothing to write.
        await new Promise(setImmediate);
        if (done.has(index)) break;
        const own = readNextJob(shared);
        if (own === null) await arrival.promise;
        else done.set(own.index, own.readings);
        if (failures.length > 0) throw failures[0];
      }
      yield* done.get(index) ?? [];
      done.delete(index);
    }
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }

  function startThread(): Worker {
    const file = import.meta.url.endsWith('.ts') ? 'log-worker.ts' : 'log-worker.cjs';
    const thread = new Worker(new URL(file, import.meta.url), { workerData: shared, resourceLimits: THREAD_LIMITS });
    thread.on('message', ({ index, readings }: JobReadings) => {
      done.set(index, readings);
      announce();
    });
    thread.on('error', (error) => {
      failures.push(error);
      announce();
    });
    return thread;
  }

  function announce(): void {
    arrival.resolve();
    arrival = Promise.withResolvers();
  }
}
