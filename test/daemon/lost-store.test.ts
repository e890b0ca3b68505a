import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { until } from '../rig/until.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

/** As the remedy of STORE_CORRUPT says. */
function moveStoreAside({ paths }: Home): void {
  const folder = dirname(paths.database);
  for (const name of readdirSync(folder))
    if (name.startsWith(basename(paths.database))) renameSync(join(folder, name), join(folder, `bad-${name}`));
}

test('L5 a lost store and pruned logs lift no lockout: its file locks out, is a row again, and is lifted by unlock alone', async () => {
  await using home = openHome();
  home.writeConfig('[[limit]]\nname = "in all"\nperiod = "total"\nusd = 0.01\naction = "stop"\ngrace = "0s"\n');
  const run = await startAgentRun(home);
  await run.tell('spend 1000');
  assert.equal((await run.ended).code, 124);
  await home.event('lockout.written');
  assert.equal((await home.cli('down')).code, 0);
  rmSync(join(home.claudeDir, 'projects'), { recursive: true, force: true });
  moveStoreAside(home);

  const marker = join(home.folder, 'it-ran');
  const refused = await home.cli('run', '--', 'touch', marker);
  assert.equal(refused.code, 75, refused.stderr);
  assert.match(refused.stderr, /the store did not know this lockout/);
  const listed = await home.cli('lockouts');
  assert.match(listed.stdout, /in all/);

  // The daemon judges by a ledger that knows of no spend, and does not take that for a limit that was raised.
  const eventsBefore = home.events().length;
  const elsewhere = join(home.folder, 'elsewhere');
  mkdirSync(elsewhere);
  const free = await startAgentRun(home, { runOptions: ['--cwd', elsewhere, '--max-usd', '5'] });
  await free.tell('spend 10');
  await home.answers(1);
  await free.exit(0);
  assert.equal((await home.cli('down')).code, 0);
  assert.deepEqual(
    home
      .events()
      .slice(eventsBefore)
      .filter((event) => event.type === 'lockout.released'),
    [],
  );
  assert.equal((await home.withStore((store) => store.lockouts.list())).length, 1);
  assert.equal((await home.cli('run', '--', 'touch', marker)).code, 75);

  assert.equal((await home.cli('unlock', home.project, '--for', '1h')).code, 0);
  assert.equal((await home.cli('run', '--', 'touch', marker)).code, 0);
  assert.ok(existsSync(marker));
  assert.deepEqual(readdirSync(home.paths.lockoutsDir), []);
});

test('L5 a lockout file that was edited into other valid JSON lifts nothing: doctor tells of it, and the daemon writes it anew from the store', async () => {
  await using home = openHome();
  home.writeConfig('[[limit]]\nname = "in all"\nperiod = "daily"\nusd = 0.01\naction = "stop"\ngrace = "0s"\n');
  const run = await startAgentRun(home);
  await run.tell('spend 1000');
  assert.equal((await run.ended).code, 124);
  assert.equal((await home.cli('down')).code, 0);
  const [name = ''] = readdirSync(home.paths.lockoutsDir);
  const file = join(home.paths.lockoutsDir, name);
  const written = readFileSync(file, 'utf8');
  const lockout = JSON.parse(written) as Readonly<Record<string, unknown>>;
  writeFileSync(file, JSON.stringify({ ...lockout, project: '/elsewhere', expiresAt: '2020-01-01T00:00:00.000Z' }));

  assert.equal((await home.cli('run', '--', 'true')).code, 75);
  const examined = await home.cli('doctor');
  assert.equal(examined.code, 1);
  assert.match(examined.stdout, /it differs from the store, which decides, in project, expiresAt/u);
  assert.equal((await home.cli('up')).code, 0);
  await until(() => readFileSync(file, 'utf8') === written);
  assert.equal((await home.cli('run', '--', 'true')).code, 75);
});

test('a daemon whose store was moved aside says so and ends when nothing needs it, so that limited runs start again', async () => {
  await using home = openHome();
  const held = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  moveStoreAside(home);
  const marker = join(home.folder, 'it-ran');
  const limited = ['run', '--shared', '--max-usd', '5', '--', 'touch', marker] as const;
  const refused = await home.cli(...limited);
  assert.deepEqual([refused.code, existsSync(marker)], [69, false]);
  assert.match(refused.stderr, /has a store that was moved or removed \[STORE_UNREACHABLE\][^]*`reeve down`/u);
  assert.match((await home.cli('status')).stdout, /error +the daemon .* has a store that was moved or removed/u);

  // It holds the run that it has.
  await held.tell('spend 4000');
  assert.equal((await held.ended).code, 124);
  await home.event('daemon.stopped', ({ reason }) => reason.includes('moved or removed'));
  await until(() => home.daemon() === null);
  const started = await home.cli(...limited);
  assert.deepEqual([started.code, existsSync(marker)], [0, true], started.stderr);
});
