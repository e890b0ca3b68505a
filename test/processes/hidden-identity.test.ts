import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HANG_MS } from '../rig/hang.ts';
import { cannotIdentify, underHidepid } from '../rig/hidden-proc.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { NOBODY } from '../rig/nobody.ts';

failOnLeaks();

const PROGRAM = join(import.meta.dirname, '../rig/puppets/hidden-identities.ts');

test(
  'K7 a hidden process is held by the kernel’s own number for it, and by no identity that another could have',
  { skip: cannotIdentify },
  (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'reeve-hidden-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    chownSync(folder, NOBODY, NOBODY);
    const [command, ...args] = underHidepid(2, [process.execPath, PROGRAM]);
    const { stdout, stderr, status } = spawnSync(command, args, {
      env: { ...process.env, HOME: folder, TMPDIR: folder },
      cwd: folder,
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), {
      whileHidden: { isHidden: true, isListed: true, itself: 'open', another: 'gone', unknown: 'denied' },
      whileShown: { isHidden: false, itself: 'open', asHidden: 'open' },
      hiddenAgain: { itself: 'open', asShown: 'denied' },
      dead: { asHidden: 'gone', asShown: 'gone' },
    });
  },
);
