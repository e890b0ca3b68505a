/**
 * A program that uses the library, driven by lines of JSON on its input, each of which it answers with one on its output: what came of it, or
 * `{error}`. argv: a home.
 */
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import {
  createRegistry,
  createService,
  openSqliteStore,
  systemClock,
  type RunId,
  type StartOptions,
} from '../../../src/index.ts';

export type Order =
  | { readonly do: 'start'; readonly start: StartOptions }
  | { readonly do: 'kill'; readonly id: RunId }
  | { readonly do: 'wait'; readonly id: RunId }
  | { readonly do: 'interrupt'; readonly id: RunId }
  /** To its end. */
  | { readonly do: 'spawn'; readonly command: string; readonly args: readonly string[]; readonly cwd: string };

const home = process.argv[2] ?? '';
await using service = createService({ home });
await using store = await openSqliteStore({ path: join(home, 'reeve.db'), clock: systemClock });
const registry = createRegistry(store);

async function answer(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'start':
      return service.start(order.start);
    case 'kill':
      return service.kill(order.id, { graceMs: 0 });
    case 'wait':
      return service.wait(order.id);
    case 'interrupt':
      return registry.interrupt({ run: order.id, hard: true, graceMs: 0 });
    case 'spawn': {
      const { command, args, cwd } = order;
      const run = await registry.spawn({ source: 'subprocess', command, args, cwd, graceMs: 0, stdio: 'ignore' });
      return (await run.ended).current;
    }
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await answer(JSON.parse(line) as Order).catch((error: unknown) => ({
    error: (error as { readonly code?: string }).code ?? String(error),
  }));
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
