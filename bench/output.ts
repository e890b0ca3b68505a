import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type * as library from '../src/index.ts';
import type { Service } from '../src/index.ts';
import type { BenchRow } from './row.ts';
import { median } from './quantile.ts';

const MIB = 1024 * 1024;

/** Bar: what a shim of its own costs a run that lasts this long, on top of the bare pipe. */
const MAX_RATIO = 2;

export interface OutputBenchOptions {
  /** @defaultValue 1024 */
  readonly mib?: number;
  /** @defaultValue 1000000 */
  readonly lines?: number;
  /** @defaultValue 5 */
  readonly rounds?: number;
}

/**
 * Output of one command taken in by the service, which keeps its newest MiB and owns its tree, beside a bare pipe and execa, which do neither.
 * Reads the built library, as programs do.
 */
export async function benchOutput(options: OutputBenchOptions = {}): Promise<BenchRow[]> {
  const { mib = 1024, lines = 1_000_000, rounds = 5 } = options;
  // By variables: neither the build nor the peers are there when types are checked.
  const [built, peer] = ['../dist/index.js', 'execa'];
  const { createService } = (await import(built)) as typeof library;
  const { execa } = (await import(peer)) as { execa: Execa };
  await using service = createService();
  const bulk = await inTurn(rounds, {
    reeve: () => serviceBulk(service, mib * MIB),
    bare: () => bareBulk(mib * MIB),
    execa: () => execaBulk(execa, mib * MIB),
  });
  const manyLines = await inTurn(rounds, {
    reeve: () => serviceLines(service, lines),
    bare: () => bareLines(lines),
    execa: () => execaLines(execa, lines),
  });
  const starts = await inTurn(rounds, {
    reeve: () => service.run({ command: 'true' }),
    bare: () => once(spawn('true', { stdio: 'ignore' }), 'exit'),
    execa: () => execa('true', []),
  });
  return [
    ...rows(`${mib} MiB of output, ring kept`, bulk, MAX_RATIO),
    ...rows(`${lines.toLocaleString('en-US')} lines, each an event`, manyLines, null),
    ...rows('`true` to its end, tree proven empty', starts, null),
  ];
}

/** As far as it is used here. */
type Execa = (
  command: string,
  args: readonly string[],
  options?: { buffer: false },
) => Promise<unknown> & AsyncIterable<string> & { stdout: NodeJS.ReadableStream };

type Contender = 'reeve' | 'bare' | 'execa';

async function inTurn(
  rounds: number,
  work: Readonly<Record<Contender, () => Promise<unknown>>>,
): Promise<Record<Contender, number>> {
  const times: Record<Contender, number[]> = { reeve: [], bare: [], execa: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const name of ['bare', 'execa', 'reeve'] as const) {
      const before = performance.now();
      await work[name]();
      times[name].push(performance.now() - before);
    }
  }
  return { reeve: median(times.reeve), bare: median(times.bare), execa: median(times.execa) };
}

function rows(work: string, times: Readonly<Record<Contender, number>>, maxRatio: number | null): BenchRow[] {
  const peers = [
    ['bare child_process', times.bare],
    ['execa', times.execa],
  ] as const;
  return peers.map(([peer, peerValue]) => ({
    work,
    reeve: times.reeve,
    peer,
    peerValue,
    unit: 'ms',
    bar: maxRatio === null ? 'none: for information' : `≤ ${maxRatio} × ${peer}`,
    holds: maxRatio === null || times.reeve <= maxRatio * peerValue,
  }));
}

const zeros = (bytes: number) => ['head', ['-c', String(bytes), '/dev/zero']] as const;
const numbers = (lines: number) => ['seq', [String(lines)]] as const;

async function serviceBulk(service: Service, wanted: number): Promise<void> {
  const [command, args] = zeros(wanted);
  const { id } = await service.start({ command, args });
  const { outputBytesLost } = await service.wait(id);
  check(outputBytesLost, wanted - MIB);
  service.remove(id);
}

async function bareBulk(wanted: number): Promise<void> {
  const child = spawn(...zeros(wanted), { stdio: ['ignore', 'pipe', 'ignore'] });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(child, 'close');
  check(bytes, wanted);
}

async function execaBulk(execa: Execa, wanted: number): Promise<void> {
  const child = execa(...zeros(wanted), { buffer: false });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await child;
  check(bytes, wanted);
}

async function serviceLines(service: Service, wanted: number): Promise<void> {
  let lines = 0;
  const stop = service.subscribe(({ type }) => (lines += type === 'output' ? 1 : 0));
  const [command, args] = numbers(wanted);
  await service.run({ command, args });
  stop();
  check(lines, wanted);
}

async function bareLines(wanted: number): Promise<void> {
  const child = spawn(...numbers(wanted), { stdio: ['ignore', 'pipe', 'ignore'] });
  let lines = 0;
  createInterface({ input: child.stdout }).on('line', () => (lines += 1));
  await once(child, 'close');
  check(lines, wanted);
}

async function execaLines(execa: Execa, wanted: number): Promise<void> {
  let lines = 0;
  for await (const _line of execa(...numbers(wanted), { buffer: false })) lines += 1;
  check(lines, wanted);
}

function check(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`${found} instead of ${wanted}`);
}
