import { parentPort, type MessagePort } from 'node:worker_threads';
import type { LogReading, LogReadRequest } from '../usage/log-source.ts';
import { readLog } from './log-reader.ts';

/** What the threads of one scan share: the work, and whose turn it is. */
export interface SharedWork {
  readonly jobs: readonly (readonly LogReadRequest[])[];
  /** Index of the next job that nobody has taken, in shared memory. */
  readonly next: Int32Array;
  readonly now: number;
}

/** A finished job. */
export interface JobReadings {
  readonly index: number;
  readonly readings: readonly LogReading[];
}

/** Takes the next job and reads its logs; null when all are taken. */
export function readNextJob({ jobs, next, now }: SharedWork): JobReadings | null {
  const index = Atomics.add(next, 0, 1);
  const requests = jobs[index];
  return requests === undefined ? null : { index, readings: requests.map((request) => readLog(request, now)) };
}

/** As a thread: job after job until all are taken. */
function work(port: MessagePort, shared: SharedWork): void {
  for (let done = readNextJob(shared); done !== null; done = readNextJob(shared)) {
    const columns = done.readings.map((reading) => reading.answers.numbers.buffer as ArrayBuffer);
    port.postMessage(done, columns);
  }
}

// The threads are started before it is known what there is to read.
const port = parentPort;
port?.once('message', (shared: SharedWork) => work(port, shared));
