import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { acquireClaim, type AcquireRequest, type ClaimPorts, type HeldClaim } from '../../src/claims/acquire.ts';
import type { Holder } from '../../src/claims/claim.ts';
import type { ClaimStore } from '../../src/claims/ports.ts';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { wireClaims } from '../../src/wire-claims.ts';

const { table, self } = createLinuxProcesses();

/** What claims work with, on the real files and processes of this machine. */
export function claimPorts(spare: string, rows: ClaimStore | null = null): ClaimPorts {
  return wireClaims({ processes: { table, self }, clock: systemClock, rows, spare });
}

/** This process as a holder; each `runId` is a holder of its own. */
export function holderOf(runId: string | null): Holder {
  return { runId, process: self, leader: null, host: hostname(), uid: process.getuid?.() ?? null, label: 'test' };
}

/** Claims a folder's worktree for this process, without waiting unless told to. */
export function acquire(ports: ClaimPorts, folder: string, request: Partial<AcquireRequest> = {}): Promise<HeldClaim> {
  const place = ports.files.placeOf(folder);
  return acquireClaim(ports, { place, holder: holderOf(null), session: null, insideOf: [], waitMs: 0, ...request });
}

/** A folder that goes with the test. */
export function tempFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-claims-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Real git, untouched by the user's own settings. */
export function git(cwd: string, ...args: readonly string[]): string {
  const settings = ['-c', 'user.name=t', '-c', 'user.email=t@t', '-c', 'init.defaultBranch=main'];
  const env = { PATH: process.env['PATH'], HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };
  return execFileSync('git', [...settings, ...args], { cwd, encoding: 'utf8', env, stdio: 'pipe' }).trim();
}

/** A repository with one commit. */
export function newRepository(path: string): string {
  mkdirSync(path, { recursive: true });
  git(path, 'init', '-q', '.');
  git(path, 'commit', '-q', '--allow-empty', '-m', 'first');
  return path;
}
