import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { text } from 'node:stream/consumers';
import { needsRoot, NOBODY } from './nobody.ts';
import { until } from './until.ts';

/** Why no /proc that hides processes can be mounted here; false when one can. */
export const cannotHide: string | false =
  needsRoot ||
  (spawnSync('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', mountScript(2)]).status === 0
    ? false
    : 'this root may not make mount and PID namespaces');

const [major = 0, minor = 0] = release().split('.').map(Number);

/** Why a hidden process of the user's own is not signalled here; false when it is. */
export const cannotIdentify: string | false =
  cannotHide || (major > 6 || (major === 6 && minor >= 9) ? false : 'before Linux 6.9 a hidden process has no number');

/** What hidepid= can be, and hides the processes of others. */
export type Hidepid = 1 | 2 | 4;

function mountScript(hidepid: Hidepid): string {
  return `mount -t proc -o hidepid=${hidepid} proc /proc`;
}

/** Command line that runs another as nobody, where /proc hides other users' processes from it; PIDs stay those of the machine. */
export function underHidepid(hidepid: Hidepid, command: readonly string[]): readonly [string, ...string[]] {
  return ['unshare', '--mount', 'sh', '-c', `${mountScript(hidepid)}; exec "$@"`, 'sh', ...asNobody(command)];
}

function asNobody(command: readonly string[]): readonly string[] {
  return ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', ...command];
}

/** PIDs of its own, so that nobody else's processes come and go there, under such a /proc. */
export interface HiddenRoom extends AsyncDisposable {
  /** Command line that runs another in it as nobody. */
  inside(command: readonly string[], cwd: string): readonly [string, ...string[]];
  /** Parent of the process with this PID in the room; null when it is dead. */
  parentOf(pid: number): number | null;
  /** Kills one by its PID in the room, and waits until it is dead. */
  kill(pid: number): Promise<void>;
}

/** Where it is disposed of, all that lives in it ends. */
export async function openHiddenRoom(hidepid: Hidepid): Promise<HiddenRoom> {
  const keeper = `${mountScript(hidepid)}; echo ready; exec sleep 1000`;
  const room = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', keeper], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(room, 'exit');
  await once(room.stdout, 'data');
  void text(room.stdout);
  const init = readFileSync(`/proc/${room.pid}/task/${room.pid}/children`, 'latin1').trim();
  const enter = ['--target', init, '--mount', '--pid'] as const;
  const asRoot = (...command: readonly string[]): string =>
    spawnSync('nsenter', [...enter, ...command], { encoding: 'utf8' }).stdout;
  const parentOf = (pid: number): number | null => {
    const stat = asRoot('cat', `/proc/${pid}/stat`);
    const [state, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' || ppid === undefined ? null : Number(ppid);
  };
  return {
    inside: (command, cwd) => ['nsenter', ...enter, 'sh', '-c', 'cd "$0" && exec "$@"', cwd, ...asNobody(command)],
    parentOf,
    async kill(pid) {
      asRoot('kill', '-KILL', String(pid));
      await until(() => parentOf(pid) === null);
    },
    async [Symbol.asyncDispose]() {
      room.kill('SIGKILL');
      await exited;
    },
  };
}
