import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { Identity } from '../processes/identity.ts';
import { homeError } from './home-error.ts';
import type { Paths } from './paths.ts';

/**
 * Writes the daemon's PID file and its identity, each `.new` and then renamed, so that no reader sees half of one.
 * @throws STORE_FULL, STORE_UNREACHABLE
 */
export function writeDaemonRegistry(paths: Paths, identity: Identity): void {
  replaceFile(paths.daemonRegistryFile, `${JSON.stringify(identity)}\n`);
  replaceFile(paths.daemonPidFile, `${identity.pid}\n`);
}

/** The registry entry goes first, the PID file last: whoever sees it gone knows that the rest is done. */
export function removeDaemonRegistry(paths: Paths): void {
  rmSync(paths.daemonRegistryFile, { force: true });
  rmSync(paths.daemonPidFile, { force: true });
}

/**
 * The daemon that last registered itself, or null. It may have died since: compare the identity before believing in it. Trees exclude
 * it by this, because a daemon restarted from inside a run descends from that run's subreaper.
 */
export function readDaemonIdentity(paths: Paths): Identity | null {
  try {
    const value: unknown = JSON.parse(readFileSync(paths.daemonRegistryFile, 'utf8'));
    return isIdentity(value) ? value : null;
  } catch {
    return null;
  }
}

function isIdentity(value: unknown): value is Identity {
  if (typeof value !== 'object' || value === null) return false;
  const { bootId, pidNamespace, pid, startTicks } = value as Record<keyof Identity, unknown>;
  return (
    typeof bootId === 'string' &&
    typeof pidNamespace === 'string' &&
    Number.isSafeInteger(pid) &&
    Number.isSafeInteger(startTicks)
  );
}

function replaceFile(path: string, text: string): void {
  try {
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw homeError('the daemon cannot register itself', path, error);
  }
}
