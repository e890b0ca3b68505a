import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from './until.ts';

/** Of FUSE, which is any file system that a program serves (<linux/magic.h>). */
const FUSE = 0x65735546;
const isRoot = process.getuid?.() === 0;

/**
 * Why one folder cannot be mounted twice here; false when it can. Two such mounts share files and no lock: what two machines see that
 * have a folder of a network file system whose locks do not reach.
 */
export const NEEDS_TWO_MOUNTS: string | false =
  spawnSync('bindfs', ['--version']).status === 0 && spawnSync('test', ['-w', '/dev/fuse']).status === 0
    ? false
    : 'bindfs and /dev/fuse are needed to mount one folder twice';

/** Each side shows for long what it has once read, also when the other has written since. */
export const FORGETFUL: readonly string[] = [
  '-o',
  'kernel_cache,attr_timeout=600,entry_timeout=600,ac_attr_timeout=600',
];

/**
 * A folder that is mounted twice, until the test ends: what is in it has two names, as on two machines.
 * @param options of bindfs
 */
export async function mountTwice(t: TestContext, options: readonly string[] = []): Promise<readonly [string, string]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-mounts-')));
  const real = join(folder, 'real');
  mkdirSync(real);
  const mounts = ['one', 'two'].map((name) => {
    const path = join(folder, name);
    mkdirSync(path);
    // Without the mark by which leaks are found: it ends after the test.
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
    const child = spawn('bindfs', ['-f', ...options, real, path], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    return { path, child, exited: once(child, 'exit') };
  });
  t.after(async () => {
    for (const { path, child, exited } of mounts) {
      // Whoever is about to be killed may still have a file of it open.
      if (isRoot) spawnSync('umount', ['-l', path]);
      else spawnSync('fusermount', ['-uz', path]);
      child.kill('SIGKILL');
      await exited;
    }
    rmSync(folder, { recursive: true });
  });
  for (const { path, child } of mounts) {
    await until(() => statfsSync(path).type === FUSE || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`bindfs ended with ${child.exitCode}`);
  }
  const [one, two] = mounts.map(({ path }) => path);
  return [one ?? '', two ?? ''];
}
