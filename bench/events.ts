import { appendFileSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../src/host/clock.ts';
import { createEventLog } from '../src/host/event-log.ts';
import { streamEvents } from '../src/host/event-stream.ts';
import { openRunOutput, runOutput } from '../src/host/run-output.ts';
import type { RunId } from '../src/runs/record.ts';
import type { BenchRow } from './row.ts';
import { quantile } from './quantile.ts';

const ROUNDS = 500;
const REST_MS = 3;
const P50_BAR_MS = 5;
const P99_BAR_MS = 50;
const RUN = 'run_00000000000000000000000001' as RunId;

/** From the write of an event, or of a line of output, to its arrival at a follower; beside what a bare `fs.watch` takes to say that a file has changed. */
export async function benchEvents(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-events-'));
  try {
    const bare = await bareLatencies(join(folder, 'bare'));
    const { events, lines } = await followerLatencies(folder);
    const row = (work: string, values: readonly number[], part: number): BenchRow => {
      const [reeve, barMs] = [quantile(values, part), part === 0.5 ? P50_BAR_MS : P99_BAR_MS];
      return {
        work: `${work}, p${part * 100}`,
        reeve,
        peer: 'bare fs.watch',
        peerValue: quantile(bare, part),
        unit: 'ms',
        bar: `≤ ${barMs} ms`,
        holds: reeve <= barMs,
      };
    };
    return [0.5, 0.99].flatMap((part) => [
      row('event written → told to a follower', events, part),
      row('line of output written → told to a follower', lines, part),
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function bareLatencies(file: string): Promise<readonly number[]> {
  writeFileSync(file, '');
  let heard = (): void => {};
  const watcher = watch(file, () => heard());
  const latencies = await measure(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    heard = resolve;
    appendFileSync(file, 'x\n');
    await promise;
  });
  watcher.close();
  return latencies;
}

async function followerLatencies(folder: string) {
  const paths = { eventsDir: join(folder, 'events'), runsDir: join(folder, 'runs') };
  const log = createEventLog({ folder: paths.eventsDir, onFailure: fail });
  const { out } = openRunOutput(runOutput(paths.runsDir, RUN));
  const stream = streamEvents({
    paths,
    clock: systemClock,
    last: 0,
    follow: true,
    about: null,
    activeRuns: async () => [RUN],
    onUnreadable: fail,
  });
  const told = (write: () => void) => async (): Promise<void> => {
    const next = stream.next();
    write();
    await next;
  };
  // The first one waits for the watches to be there.
  await told(() => log.record({ type: 'run.started', at: Date.now(), runId: RUN, pid: 1 }))();
  const events = await measure(told(() => log.record({ type: 'daemon.stopped', at: Date.now(), reason: 'bench' })));
  const lines = await measure(told(() => appendFileSync(out, 'a line of output\n')));
  await stream.return();
  return { events, lines };
}

async function measure(once: () => Promise<void>): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = performance.now();
    await once();
    latencies.push(performance.now() - before);
    // Whatever the last write has set going comes to rest first: one write is told of more than once.
    await delay(REST_MS);
  }
  return latencies;
}

function fail(what: unknown): never {
  throw new Error(`not to be written or read: ${String(what)}`);
}
