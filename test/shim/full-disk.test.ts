import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { failOnLeaks } from '../rig/leaks.ts';
import type { FullDiskStop } from './programs/full-disk-stop.ts';

failOnLeaks();

const canMount = spawnSync('unshare', ['-rm', 'true']).status === 0;

test(
  'L10 a run that is stopped on a full disk is ended at once, and on record as stopped when there is room again',
  { skip: canMount ? false : 'needs a mount namespace of its own for a small disk: unshare -rm is not permitted here' },
  async (t) => {
    const disk = mkdtempSync(join(tmpdir(), 'reeve-disk-'));
    t.after(() => rmSync(disk, { recursive: true }));
    const scenario = join(import.meta.dirname, 'programs/full-disk-stop.ts');
    const script = 'mount -t tmpfs -o size=6m tmpfs "$1" && TMPDIR="$1" exec "$2" "$3"';
    const args = ['-rm', 'sh', '-c', script, 'sh', disk, process.execPath, scenario];
    const { stdout } = await promisify(execFile)('unshare', args);
    const report = JSON.parse(stdout) as FullDiskStop;
    assert.equal(report.commandLives, false, report.stop.stderr);
    assert.equal(report.stop.code, 69, report.stop.stderr);
    assert.match(report.stop.stderr, /STORE_FULL/u);
    assert.equal(report.state, 'interrupted');
    assert.equal(report.outcome?.endReason, 'stop');
    assert.equal(report.outcome.signal, 'SIGKILL');
  },
);
