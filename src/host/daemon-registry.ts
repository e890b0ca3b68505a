import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Identity } from '../processes/identity.ts';
import { homeError } from './home-error.ts';
import type { Paths } from './paths.ts';
import { readRegularFile } from './regular-file.ts';

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

/** The daemon that last registered itself, or null. It may have died since: compare the identity before believing in it. */
export function readDaemonIdentity(paths: Paths): Identity | null {
  return readIdentity(paths.daemonRegistryFile);
}

/**
 * Lists a daemon that is starting, before it does anything: until it has registered itself it may stand below a run's shim, and must not be
 * taken for a part of that run.
 * @throws STORE_FULL, STORE_UNREACHABLE
 */
export function listStarting(paths: Paths, identity: Identity): void {
  const file = startingFile(paths, identity.pid);
  try {
    mkdirSync(paths.daemonStartingDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw homeError('no daemon can be started', file, error);
  }
  replaceFile(file, `${JSON.stringify(identity)}\n`);
}

/** It has registered itself, or is dead. */
export function unlistStarting(paths: Paths, pid: number): void {
  rmSync(startingFile(paths, pid), { force: true });
}

/**
 * Every process of reeve that belongs to no tree: the daemon, and those that are starting. Read anew at each look, because a daemon that is
 * restarted from inside a run descends from that run's shim.
 */
export function readDaemonIdentities(paths: Paths): readonly Identity[] {
  const files = [paths.daemonRegistryFile, ...startingFiles(paths)];
  return files.map(readIdentity).filter((identity) => identity !== null);
}

/** Forgets those of which nobody is left: whoever started them was killed. */
export function pruneStarting(paths: Paths, isAlive: (identity: Identity) => boolean): void {
  for (const file of startingFiles(paths)) {
    const identity = readIdentity(file);
    if (identity !== null && !isAlive(identity)) rmSync(file, { force: true });
  }
}

const STARTING_FILE = /^\d+\.json$/u;

function startingFile({ daemonStartingDir }: Paths, pid: number): string {
  return join(daemonStartingDir, `${pid}.json`);
}

function startingFiles({ daemonStartingDir }: Paths): readonly string[] {
  // Most homes have none: no exception is made, and none paid for, at each look of each stop.
  if (!existsSync(daemonStartingDir)) return [];
  return readdirSync(daemonStartingDir)
    .filter((name) => STARTING_FILE.test(name))
    .map((name) => join(daemonStartingDir, name));
}

function readIdentity(file: string): Identity | null {
  try {
    const value: unknown = JSON.parse(readRegularFile(file));
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
    // Whatever stands there, it is no file to write into.
    rmSync(`${path}.new`, { force: true });
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  } catch (error) {
    throw homeError('the daemon cannot register itself', path, error);
  }
}
