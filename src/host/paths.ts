import { tmpdir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { xdgFolder } from './home-folder.ts';
import { realPathOf } from './real-path.ts';

/** Every place that reeve reads or writes, decided once per process. Folders are 0700, files 0600. */
export interface Paths {
  readonly configFile: string;
  /** Holds `reeve.db`, `runs/`, `lockouts/`, `events/`. */
  readonly stateDir: string;
  readonly database: string;
  readonly runsDir: string;
  readonly lockoutsDir: string;
  /** Claims on worktrees whose own git directory cannot be written. */
  readonly claimsDir: string;
  readonly eventsDir: string;
  /** Sockets; short, because a socket's path must stay below 108 bytes (unix(7)). */
  readonly socketDir: string;
  readonly daemonSocket: string;
  /** Decimal PID of the running daemon, for people and scripts; nothing is decided by it. */
  readonly daemonPidFile: string;
  /** Held locked by the daemon for as long as it lives; never removed. */
  readonly daemonLockFile: string;
  /** The daemon's identity, by which it is left out of every tree. */
  readonly daemonRegistryFile: string;
  /** Identities of daemons that are starting, each a file of its own: by them those are left out of every tree as well. */
  readonly daemonStartingDir: string;
  /** What the daemon writes on stdout and stderr. */
  readonly daemonLogFile: string;
}

/** What a socket's path may have without its name: 107 bytes (unix(7)) less a slash and the longest name, a run's. */
const MAX_SOCKET_FOLDER_BYTES = 107 - 1 - 18;

/** The first of the usual places whose path is short enough for a socket. */
function socketFolder(runtimeDir: string): string {
  const own = `reeve-${process.getuid?.() ?? 0}`;
  const places = [...(isAbsolute(runtimeDir) ? [join(runtimeDir, 'reeve')] : []), join(tmpdir(), own)];
  return places.find((folder) => Buffer.byteLength(folder) <= MAX_SOCKET_FOLDER_BYTES) ?? join('/tmp', own);
}

/** `$REEVE_HOME` holds everything; otherwise the XDG base directories. */
export function resolvePaths(env: NodeJS.ProcessEnv): Paths {
  const home = env['REEVE_HOME'];
  const configDir = home ? resolve(home) : join(xdgFolder(env, 'XDG_CONFIG_HOME', '.config'), 'reeve');
  const stateDir = home ? resolve(home) : join(xdgFolder(env, 'XDG_STATE_HOME', '.local/state'), 'reeve');
  const socketDir = socketFolder(env['XDG_RUNTIME_DIR'] ?? '');
  return {
    configFile: join(configDir, 'config.toml'),
    stateDir,
    database: join(stateDir, 'reeve.db'),
    runsDir: join(stateDir, 'runs'),
    lockoutsDir: join(stateDir, 'lockouts'),
    claimsDir: join(stateDir, 'claims'),
    eventsDir: join(stateDir, 'events'),
    socketDir,
    get daemonSocket() {
      // Loaded only here: most runs have no limits and never ask, and the module costs 7 ms of their start.
      const { hash } = process.getBuiltinModule('node:crypto');
      // One home has one daemon, by whichever of its names it is called.
      const key = hash('sha256', realPathOf(stateDir)).slice(0, 12);
      return join(socketDir, `${key}.sock`);
    },
    daemonPidFile: join(stateDir, 'daemon.pid'),
    daemonLockFile: join(stateDir, 'daemon.lock'),
    daemonRegistryFile: join(stateDir, 'daemon.json'),
    daemonStartingDir: join(stateDir, 'starting'),
    daemonLogFile: join(stateDir, 'daemon.log'),
  };
}

/** Random part of a run's id, in characters: 80 bits, so that the runs of all homes can share a folder. */
const RANDOM_LENGTH = 16;

/** Socket of one run's shim, which serves callers inside the run's tree and writes to its input. Short for the same reason. */
export function shimSocket({ socketDir }: Paths, runId: string): string {
  return join(socketDir, `${runId.slice(-RANDOM_LENGTH)}.s`);
}
