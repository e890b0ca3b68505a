import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/** A file that exists, and that nobody comes to open: what a network folder offers whose server is dead. */
export interface SlowFile {
  /** Resolves when somebody waits to open it. */
  readonly asked: Promise<void>;
  /** Lets them. */
  release(): Promise<void>;
}

/** Makes a file of ours slow, for 45 s from the moment in which somebody opens it. Nobody may have it open. */
export async function slowDown(t: TestContext, file: string): Promise<SlowFile> {
  const holder = spawn(process.execPath, [join(import.meta.dirname, 'lease-holder.ts'), file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = once(holder, 'exit');
  const release = async (): Promise<void> => {
    holder.stdin.end();
    await exited;
  };
  t.after(release);
  const lines = createInterface({ input: holder.stdout });
  const held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  lines.on('line', (line) => (line === 'held' ? held : asked).resolve());
  void exited.then(() => held.reject(new Error(`${file} cannot be leased`)));
  await held.promise;
  return { asked: asked.promise, release };
}
