import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { ReeveError } from '../../src/errors.ts';
import { loadConfig } from '../../src/host/config-file.ts';

const GOOD = '[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 1\nproject = "~/work"\n';

describe('the config file', () => {
  let folder = '';
  let configFile = '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'reeve-config-'));
    configFile = join(folder, 'config.toml');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  async function refused(): Promise<ReeveError> {
    const error = await loadConfig({ configFile }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof ReeveError, 'it was accepted');
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.equal(error.exitCode, 2);
    assert.ok(error.where?.startsWith(configFile), error.where ?? '');
    return error;
  }

  test('that is not there means the defaults', async () => {
    assert.equal((await loadConfig({ configFile })).file, null);
  });

  test('is read with ~ as the home folder, through a link, with a byte order mark', async () => {
    const real = join(folder, 'real.toml');
    await writeFile(real, `\u{FEFF}${GOOD}`);
    await symlink(real, configFile);
    const config = await loadConfig({ configFile }, '/home/someone');
    assert.equal(config.file, configFile);
    assert.equal(config.limits[0]?.project, '/home/someone/work');
  });

  test('names projects by paths that lead through links, as the home folder may, and still means their real paths', async () => {
    const real = await realpath(folder);
    await mkdir(join(real, 'data', 'w [1]'), { recursive: true });
    await symlink(join(real, 'data'), join(real, 'link'));
    const config = async (project: string, home: string): Promise<string | undefined> => {
      await writeFile(configFile, `[[limit]]\nname = "a"\nperiod = "daily"\nusd = 1\nproject = '${project}'\n`);
      return (await loadConfig({ configFile }, home)).limits[0]?.project;
    };
    const link = join(real, 'link');
    assert.equal(await config('~/w/**', link), `${real}/data/w/**`);
    assert.equal(await config('~/w/**', `${link}/`), `${real}/data/w/**`);
    assert.equal(await config('~', link), `${real}/data`);
    assert.equal(await config('~/*', '/'), '/*');
    assert.equal(await config(`${link}/new/{a,b}/*`, '/'), `${real}/data/new/{a,b}/*`);
    assert.equal(await config(String.raw`${link}/w \[1\]/*`, '/'), String.raw`${real}/data/w \[1\]/*`);
    assert.equal(await config('/nowhere/x*', '/'), '/nowhere/x*');
    assert.equal(await config('**/x', '/'), '**/x');
  });

  test('that is a folder is refused', async () => {
    await mkdir(configFile);
    assert.match((await refused()).message, /it is a folder/);
  });

  test('that is a named pipe is refused and not waited for', async () => {
    execFileSync('mkfifo', [configFile]);
    assert.match((await refused()).message, /not a regular file/);
  });

  test('under something that is no folder is refused', async () => {
    await writeFile(configFile, GOOD);
    configFile = join(configFile, 'config.toml');
    assert.match((await refused()).message, /cannot be read/);
  });

  test('that may not be read is refused, with the command that helps', async () => {
    await writeFile(configFile, GOOD);
    await chmod(folder, 0o755);
    await chmod(configFile, 0o000);
    const error = await asUnprivileged(refused);
    assert.match(error.message, /permission denied/);
    assert.match(error.hint ?? '', /chmod u\+r/);
  });

  test('that is not UTF-8 is refused at the place of the byte', async () => {
    await writeFile(
      configFile,
      Buffer.concat([Buffer.from('timezone = "UTC"\n# caf\u{E9} '), Buffer.from([0xe9, 0x0a])]),
    );
    const error = await refused();
    assert.match(error.message, /this is not UTF-8/);
    assert.equal(error.where, `${configFile}:2:8`);
  });

  test('that is far too large is refused unread', async () => {
    await writeFile(configFile, Buffer.alloc(2_000_000, '#'));
    assert.match((await refused()).message, /larger than 1 MiB/);
  });
});

/** Root may read everything, so that for root the question is asked as nobody. */
async function asUnprivileged<T>(ask: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return ask();
  process.seteuid?.('nobody');
  try {
    return await ask();
  } finally {
    process.seteuid?.(0);
  }
}
