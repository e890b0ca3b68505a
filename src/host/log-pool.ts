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

/**
 * Threads that wait for logs to read, and keep no program from its end. They take a tenth of a second to start, as long as all else that
 * comes before a first scan.
 */
export interface LogThreads {
  readonly workers: readonly Worker[];
  /** Why threads have died, if any has. */
  readonly failures: readonly unknown[];
}

export function startLogThreads(): LogThreads {
  const file = import.meta.url.endsWith('.ts') ? 'log-worker.ts' : 'log-worker.cjs';
  const failures: unknown[] = [];
  const workers = Array.from({ length: Math.max(1, Math.min(MAX_THREADS, availableParallelism()) - 1) }, () => {
    const worker = new Worker(new URL(file, import.meta.url), { resourceLimits: THREAD_LIMITS });
    worker.on('error', (error) => failures.push(error)).unref();
    return worker;
  });
  return { workers, failures };
}

/**
 * Reads logs in the order of the requests; many bytes on several threads, few on this one.
 * @param threads that were started before; they end with the reading, needed or not
 */
export async function* readLogs(
  requests: readonly LogReadRequest[],
  now: number,
  threads: LogThreads | null = null,
): AsyncGenerator<LogReading> {
  const bytes = requests.reduce((sum, { log, cursor }) => sum + Math.max(0, log.sizeBytes - (cursor?.offset ?? 0)), 0);
  const isWorthThreads = bytes >= WORTH_THREADS_BYTES;
  const hired = threads ?? (isWorthThreads ? startLogThreads() : null);
  try {
    if (hired === null || !isWorthThreads) for (const request of requests) yield readLog(request, now);
    else yield* readOnThreads({ jobs: jobsOf(requests), next: new Int32Array(new SharedArrayBuffer(4)), now }, hired);
  } finally {
    await Promise.all(hired?.workers.map((worker) => worker.terminate()) ?? []);
  }
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
async function* readOnThreads(shared: SharedWork, { workers, failures }: LogThreads): AsyncGenerator<LogReading> {
  const { jobs } = shared;
  const done = new Map<number, JobReadings['readings']>();
  let arrival = Promise.withResolvers<void>();
  const announce = (): void => {
    arrival.resolve();
    arrival = Promise.withResolvers();
  };
  for (const worker of workers) {
    worker.on('message', ({ index, readings }: JobReadings) => {
      done.set(index, readings);
      announce();
    });
    worker.on('error', announce).ref();
    worker.postMessage(shared, []);
  }
  for (let index = 0; index < jobs.length; index++) {
    while (!done.has(index)) {
      // What the threads have read meanwhile comes first: this thread reads on only while there is nothing to write.
      await new Promise(setImmediate);
      if (done.has(index)) break;
      if (failures.length > 0) throw failures[0];
      const own = readNextJob(shared);
      if (own === null) await arrival.promise;
      else done.set(own.index, own.readings);
    }
    yield* done.get(index) ?? [];
    done.delete(index);
  }
}
