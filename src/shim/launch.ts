import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { ReeveError } from '../errors.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import type { RunExit, RunStarted } from '../runs/record.ts';
import { isExhausted, systemError } from '../system-error.ts';

export interface LaunchRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly stdio: StdioOptions;
  /** True gives the command a session, and so a process group, of its own. */
  readonly ownSession: boolean;
}

export interface Launched {
  readonly started: RunStarted;
  /** Settles when the command itself has exited; its tree may live on. */
  readonly exit: Promise<RunExit>;
  readonly child: ChildProcess;
}

/**
 * Starts the command and reads who it is before anything else can happen: until the event loop turns, even a command that has already
 * ended keeps its row in the process table.
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_EXECUTABLE, SYSTEM_ERROR; then no process exists
 */
export async function launch(
  ports: { readonly table: ProcessTable; readonly clock: Clock },
  request: LaunchRequest,
): Promise<Launched> {
  const child = await spawnOrThrow(request);
  const exit = exitOf(child);
  const pid = child.pid as number;
  const row = readOrEnd(ports.table, child, pid);
  if (row === null) throw new Error(`process ${pid} has no row in /proc although nobody has waited for it`);
  const identity = { ...ports.table.realm, pid, startTicks: row.startTicks };
  const started = { identity, processGroupId: row.pgid, sessionId: row.sid, startedAt: ports.clock.now() };
  return { started, exit, child };
}

/** What could not be looked at must not run. The PID is the child's: nobody has waited for it. */
function readOrEnd(table: ProcessTable, child: ChildProcess, pid: number): ProcessRow | null {
  try {
    return table.read(pid);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** Resolves in the same turn of the event loop in which a process was made. */
async function spawnOrThrow(request: LaunchRequest): Promise<ChildProcess> {
  const { command, args, cwd, env, stdio, ownSession } = request;
  let child: ChildProcess;
  try {
    child = spawn(command, args, { cwd, env, stdio, detached: ownSession });
  } catch (error) {
    throw startFailure(request, error as NodeJS.ErrnoException);
  }
  if (child.pid !== undefined) return child;
  const [error] = (await once(child, 'error')) as [NodeJS.ErrnoException];
  throw startFailure(request, error);
}

function exitOf(child: ChildProcess): Promise<RunExit> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
}

/** A shell's distinction: 127 when there is no such command, 126 when there is one that cannot be executed. */
function startFailure(request: LaunchRequest, error: NodeJS.ErrnoException): ReeveError {
  const { command } = request;
  // It is not the command's fault.
  const exhausted = isExhausted(error) ? systemError(error) : null;
  if (exhausted !== null) return exhausted;
  const options = { where: command, cause: error };
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') {
    const message = `${command} cannot be executed: ${reasonOf(error)}`;
    return new ReeveError('COMMAND_NOT_EXECUTABLE', message, { ...options, hint: remedyOf(error) });
  }
  if (isFile(request)) {
    const message = `${command} cannot be executed: the interpreter that its first line names is missing`;
    return new ReeveError('COMMAND_NOT_EXECUTABLE', message, { ...options, hint: 'Check its first line.' });
  }
  const hint = command.includes('/')
    ? 'Check the path; it is taken relative to the folder of the run.'
    : 'It is in no folder of PATH; check the spelling, or give its path.';
  return new ReeveError('COMMAND_NOT_FOUND', `there is no command ${command}`, { ...options, hint });
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES') return 'permission denied';
  if (error.code === 'E2BIG') return 'the arguments and the environment are too long';
  return error.code ?? error.message;
}

function remedyOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'EACCES') return 'Check that it is a program, its mode (chmod +x), and its folders.';
  if (error.code === 'E2BIG') return 'Hand it less: a file in place of a long argument, fewer variables.';
  return 'Check that it is a program made for this machine.';
}

function isFile({ command, cwd, env }: LaunchRequest): boolean {
  const folders = command.includes('/') ? [cwd] : (env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    const path = command.startsWith('/') ? command : join(folder, command);
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  });
}
