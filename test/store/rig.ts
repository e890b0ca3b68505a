import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { TestContext } from 'node:test';
import { systemClock } from '../../src/host/clock.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Store } from '../../src/store/store.ts';

/** A folder that goes with the test. */
export function tempFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function openAt(path: string): Promise<Store> {
  return openSqliteStore({ path, clock: systemClock });
}

const MIGRATIONS = new URL('../../src/store/sqlite/migrations/', import.meta.url);

/** A new database as that version made it, open. */
export function storeOfVersion(path: string, version: number): DatabaseSync {
  const old = new DatabaseSync(path);
  for (const name of readdirSync(MIGRATIONS).toSorted().slice(0, version))
    old.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
  old.exec(`PRAGMA user_version = ${version}`);
  return old;
}

/** Starts a program of `test/store/programs/` that speaks over Node's IPC channel. It does not outlive the test. */
export function startProgram(
  t: TestContext,
  name: string,
  args: readonly string[],
  options: { readonly uid?: number } = {},
): ChildProcess {
  const child = fork(join(import.meta.dirname, 'programs', name), args, {
    // The runner's own flags are about the runner.
    execArgv: [],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  t.after(() => child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'));
  return child;
}

/** The next message of a program. Fails when it ends instead. */
export async function messageOf<T>(child: ChildProcess): Promise<T> {
  const listening = new AbortController();
  const { signal } = listening;
  try {
    const message = once(child, 'message', { signal }).then(([value]) => value as T);
    const end = once(child, 'exit', { signal }).then(([code, how]) => {
      throw new Error(`the program ended (${String(code)}, ${String(how)}) without a word`);
    });
    return await Promise.race([message, end]);
  } finally {
    listening.abort();
  }
}
