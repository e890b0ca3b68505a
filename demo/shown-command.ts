import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { REEVE, type CommandPlace } from '../test/rig/reeve.ts';

/** Starts `reeve` with the demo's own terminal or pipe as its output, and no input; resolves to its exit code. */
export async function runShown(place: CommandPlace, ...args: readonly string[]): Promise<number | null> {
  const child = spawn(REEVE, args, { ...place, stdio: ['ignore', 'inherit', 'inherit'] });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  return exitCode;
}
