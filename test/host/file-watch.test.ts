import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchFile } from '../../src/host/file-watch.ts';
import { HANG_MS } from '../rig/hang.ts';

/** So that only events tell of a change. */
const NEVER_MS = 86_400_000;

test('what a link leads to is watched on where it was removed and made anew', { timeout: HANG_MS }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-watch-'));
  const [link, target] = [join(folder, 'config.toml'), join(folder, 'dotfiles', 'reeve.toml')];
  mkdirSync(join(folder, 'dotfiles'));
  writeFileSync(target, '');
  symlinkSync(target, link);
  let told = Promise.withResolvers<void>();
  const watch = watchFile(link, () => told.resolve(), { rescanMs: NEVER_MS });
  t.after(() => {
    watch.close();
    rmSync(folder, { recursive: true, force: true });
  });
  for (const act of [() => rmSync(target), () => writeFileSync(target, 'anew')]) {
    told = Promise.withResolvers();
    act();
    await told.promise;
  }
});
