/**
 * A program that uses the library: starts what it is told to and stays until its input ends. argv: a JSON object with the options of
 * `start`, and the home or null. Prints the run's id and PID once it runs.
 */
import { createService, type StartOptions } from '../../../src/index.ts';

interface Order {
  readonly home: string | null;
  readonly start: StartOptions;
  /** Lets go of the service at once. */
  readonly close?: boolean;
}

const { home, start, close } = JSON.parse(process.argv[2] ?? '') as Order;
const service = createService(home === null ? {} : { home });
const { id, pid } = await service.start(start);
process.stdout.write(`${id} ${pid}\n`);
if (close === true) await service.close();
else process.stdin.resume();
