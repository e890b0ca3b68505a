import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** The built command line, as users start it. */
export const REEVE = join(import.meta.dirname, '..', '..', 'bin', 'reeve');

/** Where a command line runs. */
export interface CommandPlace {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartedCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<CommandResult>;
}

/** Starts `reeve` in a session of its own, with no standard input. */
export function startReeve(place: CommandPlace, ...args: readonly string[]): StartedCommand {
  const child = spawn(REEVE, args, { ...place, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const exit = new Promise<Pick<CommandResult, 'exitCode' | 'signal'>>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const ended = Promise.all([exit, text(child.stdout), text(child.stderr)]).then(([end, stdout, stderr]) => ({
    ...end,
    stdout,
    stderr,
  }));
  return { child, ended };
}

/** Runs `reeve` to its end. */
export async function reeve(place: CommandPlace, ...args: readonly string[]): Promise<CommandResult> {
  return startReeve(place, ...args).ended;
}

/** Runs `reeve … --json` and parses what it printed. @throws when it ended otherwise than with `exitCode` */
export async function reeveJson<T>(
  place: CommandPlace,
  args: readonly string[],
  expected: { readonly exitCode: number } = { exitCode: 0 },
): Promise<T> {
  const result = await reeve(place, ...args, '--json');
  if (result.exitCode !== expected.exitCode) {
    throw new Error(`reeve ${args.join(' ')} ended with ${result.exitCode ?? result.signal}:\n${result.stderr}`);
  }
  return JSON.parse(result.stdout) as T;
}
