import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { needsRoot } from '../rig/nobody.ts';
import { startSpender } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

const REST = 'name = "daily"\nperiod = "daily"\nusd = 0.05\ngrace = "0s"\n';
const GOOD = `[[limit]]\n${REST}`;
/** Line 4 has a slip of the pen. */
const MISSPELT = GOOD.replace('usd', 'usdd');

/** Starts something that would leave a trace, and says whether it did. */
async function runOf(home: Home, verb = 'run', ...more: readonly string[]) {
  const marker = join(home.folder, `it-ran-${verb}`);
  rmSync(marker, { force: true });
  const said = await home.cli(verb, ...more, '--', 'touch', marker);
  return { ...said, started: existsSync(marker) };
}

async function endDaemon(home: Home): Promise<void> {
  const { code, stderr } = await home.cli('down');
  assert.equal(code, 0, stderr);
}

for (const [spelling, text] of [
  ['[[ limit ]]', `[[ limit ]]\n${REST}`],
  ['[["limit"]]', `[["limit"]]\n${REST}`],
  ['limit = [{…}]', `limit = [{ ${REST.trim().replaceAll('\n', ', ')} }]\n`],
] as const) {
  test(`L1 a limit written as ${spelling} is held, with no daemon there before: the run is stopped and locks out`, async () => {
    await using home = openHome();
    home.writeConfig(text);
    const run = await startSpender(home);
    assert.equal((await run.ended).code, 124);
    assert.equal((await home.cli('run', '--', 'true')).code, 75);
  });
}

for (const [what, text, says] of [
  ['[limit]', '[limit]\nusd = 1\n', /config\.toml:1:2: limit must be a list of tables/],
  ['[[Limit]]', `[[Limit]]\n${REST}`, /config\.toml:1:\d+: unknown key Limit; did you mean "limit"\?/],
  ['x = 1', 'x = 1\n', /config\.toml:1:1: unknown key x/],
  ['no TOML', 'nonsense\n', /config\.toml:\d:1: this is not TOML/],
] as const) {
  test(`L10 an invalid config is refused with 2 before anything is started: ${what}`, async () => {
    await using home = openHome();
    home.writeConfig(text);
    const end = await runOf(home);
    assert.deepEqual([end.code, end.started], [2, false], end.stderr);
    assert.match(end.stderr, /CONFIG_INVALID/);
    assert.match(end.stderr, says);
  });
}

test('a config without limits needs no daemon', async () => {
  await using home = openHome();
  home.writeConfig('# [[limit]] is for later\ntimezone = "UTC"\n');
  assert.deepEqual(await runOf(home), { code: 0, stdout: '', stderr: '', started: true });
  assert.equal(home.daemon(), null);
});

test('L10 an invalid config that follows no config is refused alike, with a daemon and without', async () => {
  await using home = openHome();
  assert.equal((await home.cli('up')).code, 0);
  home.writeConfig(MISSPELT);
  const withDaemon = await runOf(home);
  assert.deepEqual([withDaemon.code, withDaemon.started], [2, false], withDaemon.stderr);
  assert.match(withDaemon.stderr, /config\.toml:4:1: unknown key usdd in limit; did you mean "usd"\?/);
  await endDaemon(home);
  const without = await runOf(home);
  assert.deepEqual([without.code, without.started], [2, false], without.stderr);
  home.writeConfig(GOOD);
  assert.deepEqual(await runOf(home), { code: 0, stdout: '', stderr: '', started: true }, 'once it is mended');
});

test('an invalid edit leaves the last valid limits in force, and every start is told in one line, with a daemon and without', async () => {
  await using home = openHome();
  home.writeConfig(GOOD);
  assert.equal((await runOf(home)).stderr, '');
  for (const text of [MISSPELT, 'nonsense\n']) {
    home.writeConfig(text);
    for (const daemon of ['there', 'gone']) {
      for (const verb of ['run', 'start']) {
        const said = await runOf(home, verb, '--shared');
        assert.equal(said.code, 0, `daemon ${daemon}: ${said.stderr}`);
        assert.match(
          said.stderr,
          /^reeve: .+config\.toml:\d+:\d+: .+ the last valid one is in force \(`reeve config check`\)\n$/,
          `${verb}, daemon ${daemon}`,
        );
      }
      await endDaemon(home);
    }
  }
  const run = await startSpender(home);
  assert.equal((await run.ended).code, 124);
});

test(
  'L10 a valid edit is in force on a full disk too, and status names what is full and where',
  { skip: needsRoot },
  async () => {
    await using home = openHome();
    home.writeConfig(GOOD.replace('0.05', '50.0'));
    assert.equal((await home.cli('up')).code, 0);
    // A device of our own that is always full (https://man7.org/linux/man-pages/man4/full.4.html), in place of the disk.
    execFileSync('mknod', [join(home.paths.stateDir, 'config.last-good.toml.new'), 'c', '1', '7']);
    home.writeConfig(GOOD);
    const lastError = await awaitValue(
      'the daemon to tell of it',
      async () => (JSON.parse((await home.cli('status', '--json')).stdout) as { lastError: string | null }).lastError,
    );
    assert.match(lastError, /^the config is in force, but no copy .* at \S+config\.last-good\.toml \(ENOSPC\)$/u);
    const run = await startSpender(home);
    assert.equal((await run.ended).code, 124, 'held to the limit of the edit');
  },
);

for (const [what, make] of [
  ['a link to nothing', ({ paths }: Home) => symlinkSync(join(paths.stateDir, 'nowhere.toml'), paths.configFile)],
  ['a folder', ({ paths }: Home) => mkdirSync(paths.configFile)],
] as const) {
  test(`L10 a config that is ${what} is refused by run, doctor and config check, also where a daemon runs`, async () => {
    await using home = openHome();
    assert.equal((await home.cli('up')).code, 0);
    make(home);
    for (const more of [[], ['--max-usd', '1']]) {
      const end = await runOf(home, 'run', ...more);
      assert.deepEqual([end.code, end.started], [2, false], end.stderr);
      assert.match(end.stderr, new RegExp(`it is ${what}`));
    }
    assert.equal((await home.cli('config', 'check')).code, 2);
    const doctor = await home.cli('doctor', '--json');
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, new RegExp(`it is ${what}`));
  });
}
