import { parentPort } from 'node:worker_threads';
import type { LogReadRequest } from '../usage/log-source.ts';
import { readLog } from './log-reader.ts';

/** What the pool sends: some logs to read. Answered with their readings, in the same order. */
export interface ReadJob {
  readonly index: number;
  readonly requests: readonly LogReadRequest[];
  readonly now: number;
}

parentPort?.on('message', ({ index, requests, now }: ReadJob) => {
  const readings = requests.map((request) => readLog(request, now));
  parentPort?.postMessage(
    { index, readings },
    readings.map((reading) => reading.answers.numbers.buffer as ArrayBuffer),
  );
});
