import { spawn, spawnSync, type ChildProcess } from 'node:child_process';

/** What a container has of its own, as far as claims can tell: PIDs, a /proc, and a host name. */
const UNSHARE = ['--pid', '--fork', '--kill-child', '--mount-proc', '--uts'] as const;
const HOST = 'container';

/** Why no container-like namespaces can be made here; false when they can. */
export const NEEDS_CONTAINER: string | false =
  spawnSync('unshare', [...UNSHARE, 'true']).status === 0
    ? false
    : 'this user may not make PID and host name namespaces';

/**
 * Starts a Node program in a PID namespace of its own and under another host name, with a channel for messages. The end of what is returned,
 * however it comes, is the end of the whole namespace.
 */
export function startInContainer(program: string, args: readonly string[]): ChildProcess {
  const inside = [`hostname ${HOST}; exec "$@"`, 'sh', process.execPath, program, ...args];
  return spawn('unshare', [...UNSHARE, 'sh', '-c', ...inside], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}
