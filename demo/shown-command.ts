import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { REEVE, type CommandPlace } from '../test/rig/reeve.ts';

/** Runs `reeve` with the demo's own standard output for both of its outputs, so that they stay in order also in a pipe, and no input. */
export async function runShown(place: CommandPlace, ...args: readonly string[]): Promise<number | null> {
  const child = spawn(REEVE, args, { ...place, stdio: ['ignore', 1, 1] });
  const [exitCode] = (await once(child, 'exit')) as [number | null];
  return exitCode;
}
