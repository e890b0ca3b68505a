/**
 * Loaded into a program of reeve with `--import`, never part of one: counts what the program writes durably, and kills it with SIGKILL
 * right before the n-th write, if the file that `REEVE_CRASH_ARM` names says so. That file is renamed first: a fault strikes once.
 * Before the n-th write is after the one before it, and after everything in between: a spawn, a signal.
 */
import { readFileSync, renameSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import type Sqlite from 'node:sqlite';

type Anything = (this: unknown, ...args: unknown[]) => unknown;

/** What changes a folder or the content of a file for good. */
const FILE_WRITES = [
  'appendFileSync',
  'ftruncateSync',
  'linkSync',
  'mkdirSync',
  'renameSync',
  'rmSync',
  'symlinkSync',
  'unlinkSync',
  'writeFileSync',
] as const;

const builtin = createRequire(import.meta.url);
const arm = readArm();
if (arm !== null && arm.program === programOf(process.argv)) watchWrites(arm.at);

function readArm(): { readonly program: string; readonly at: number } | null {
  const file = process.env['REEVE_CRASH_ARM'];
  if (file === undefined) return null;
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { program: string; at: number };
  } catch {
    // It has struck already.
    return null;
  }
}

function programOf([, main = '', verb = '']: readonly string[]): string {
  if (/\/daemon\/main\.\w+$/u.test(main)) return 'daemon';
  if (/\/shim\/main\.\w+$/u.test(main)) return 'shim';
  if (!/\/cli\/main\.\w+$/u.test(main)) return 'other';
  return verb === 'run' ? 'shim' : 'cli';
}

function watchWrites(at: number): void {
  let writes = 0;
  const beforeWrite = (): void => {
    writes += 1;
    if (writes === at) strike();
  };
  const sqlite = builtin('node:sqlite') as Pick<typeof Sqlite, 'DatabaseSync' | 'StatementSync'>;
  const isWrite = /^\s*(?:INSERT|UPDATE|DELETE)/iu;
  wrap(sqlite.DatabaseSync.prototype, 'exec', () => true, beforeWrite);
  for (const method of ['run', 'get', 'all'])
    wrap(sqlite.StatementSync.prototype, method, (self) => isWrite.test(String(self['sourceSQL'])), beforeWrite);
  const fs = builtin('node:fs') as Record<string, Anything>;
  for (const method of FILE_WRITES) wrap(fs, method, () => true, beforeWrite);
  syncBuiltinESMExports();
}

function wrap(
  target: object,
  method: string,
  counts: (self: Record<string, unknown>) => boolean,
  beforeWrite: () => void,
): void {
  const methods = target as Record<string, Anything>;
  const original = methods[method] as Anything;
  methods[method] = function (this: unknown, ...args) {
    if (counts(this as Record<string, unknown>)) beforeWrite();
    return original.apply(this, args);
  };
}

function strike(): never {
  const file = process.env['REEVE_CRASH_ARM'] ?? '';
  renameSync(file, `${file}.struck`);
  process.kill(process.pid, 'SIGKILL');
  for (;;);
}
