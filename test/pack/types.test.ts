import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const root = join(import.meta.dirname, '../..');
const HANG_GUARD_MS = 120_000;

/** What a program hands on of what it has got: each of these types has to have a public name, or its declarations cannot be written. */
const PROGRAM = `
import * as reeve from 'reeve';

export const service = reeve.createService();
export const command = reeve.exec('true');
export const registry = reeve.createRegistry();
export const claims = reeve.createClaims();
export const memory = reeve.createMemoryStore();
export const opened = reeve.openSqliteStore({ path: 'runs.db', clock: reeve.systemClock });
export const enforcer = reeve.createEnforcer({
  lockouts: memory.lockouts,
  clock: reeve.systemClock,
  killer: { find: async () => [], kill: async () => ({ receipts: [], errors: [] }) },
});
export const events = reeve.followEvents();
export const found = reeve.findProcesses({ kind: 'claude' });
export const identity = reeve.identityOf(1);
export const below = (of: reeve.Identity) => reeve.descendants(of);
export const receipt = reeve.killVerified([], { graceMs: 1 });
export const codes = reeve.ERROR_EXIT_CODES;
export class Failure extends reeve.CommandFailed {}
export const exitOf = (failure: reeve.CommandFailed) => failure.exit;
export const signalsOf = ({ signalled }: reeve.Receipt) => signalled.map(({ signals }) => signals);
export const viaOf = ({ via }: reeve.SeenProcess) => via;
export const realmOf = ({ realm }: reeve.Verifier) => realm;
export const breach = (input: Parameters<typeof enforcer.handleBreach>[0]) => enforcer.handleBreach(input);
export const check = (place: Parameters<typeof enforcer.checkLocked>[0]) => enforcer.checkLocked(place);
export const placeOf = ({ place }: reeve.HeldClaim | reeve.ClaimView) => place;
export const termsOf = ({ selects, period }: reeve.Lockout) => ({ selects, period });
export const capsOf = ({ caps }: reeve.RunIntent) => caps;
export const stateOf = ({ current }: reeve.RunRecord) => current;
export const { runs, ledger, lockouts } = memory;
export const { warnings, covering } = memory.lockouts;
export const { insert, list } = memory.runs;
`;

describe('the declarations of the package', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'reeve-types-'));
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(root, join(folder, 'node_modules/reeve'));
    symlinkSync(join(root, 'node_modules/@types'), join(folder, 'node_modules/@types'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
    writeFileSync(join(folder, 'program.ts'), PROGRAM);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [moduleResolution, module] of [
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ])
    test(`name all that a strict program hands on, with ${moduleResolution}`, () => {
      const strict = { strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
      const compilerOptions = {
        ...strict,
        target: 'es2023',
        lib: ['es2023'],
        types: ['node'],
        module,
        moduleResolution,
        declaration: true,
        outDir: 'out',
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['program.ts'] }));
      const { stdout, status } = spawnSync(join(root, 'node_modules/.bin/tsc'), ['--project', '.'], {
        cwd: folder,
        encoding: 'utf8',
        timeout: HANG_GUARD_MS,
      });
      assert.equal(stdout, '');
      assert.equal(status, 0);
    });
});
