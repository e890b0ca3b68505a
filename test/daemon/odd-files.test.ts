import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun } from './rig/agent-run.ts';
import { openHome } from './rig/home.ts';

failOnLeaks();

/** Nobody ever writes into it, so that whoever opens it waits for ever. */
function makeFifo(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { recursive: true, force: true });
  execFileSync('mkfifo', [path]);
}

test('L14 a named pipe, a folder or a socket where an agent registers its session takes no run past its cap', async () => {
  await using home = openHome();
  const run = await startAgentRun(home, { runOptions: ['--max-usd', '0.05', '--grace', '0s'] });
  const before = home.daemon();
  const { sessionId } = run;
  await awaitValue('the session to be known for the run’s', () =>
    home.withStore(async ({ ledger }) => ((await ledger.links({ sessionId })).length > 0 ? true : null)),
  );
  const entry = join(home.claudeDir, 'sessions', `${run.agentPid}.json`);
  for (const make of [makeFifo, makeFolder, makeSocket]) {
    make(entry);
    // Whoever links the next one's session has read this one's entry.
    const other = await startAgentRun(home, { runOptions: ['--shared', '--max-usd', '0.05', '--grace', '0s'] });
    await other.tell('spend 4000');
    assert.equal((await other.ended).code, 124);
  }
  await run.tell('spend 4000');
  assert.equal((await run.ended).code, 124);
  assert.equal(home.daemon()?.pid, before?.pid, 'the daemon was never in the way of itself');
});

test('D1 named pipes in the place of the files of a home keep no command waiting', async () => {
  await using home = openHome();
  const copies = ['config.last-good.toml', 'config.last-good.toml.new'];
  const files = ['daemon.json', 'daemon.json.new', 'starting/1.json', 'events/events.ndjson', ...copies];
  home.writeConfig('[daemon]\nlost = "warn"\n');
  for (const file of files) makeFifo(join(home.paths.stateDir, file));
  for (const words of [['up'], ['status'], ['ps'], ['run', '--max-usd', '1', '--', 'true'], ['down']]) {
    const said = await home.cli(...words);
    assert.equal(said.code, 0, `${words.join(' ')}: ${said.stderr}`);
  }
  const events = await home.cli('events');
  assert.match(events.stderr, /events\.ndjson is not a regular file \[SYSTEM_ERROR\]/u);
  for (const file of ['daemon.lock', 'daemon.log']) {
    makeFifo(join(home.paths.stateDir, file));
    const up = await home.cli('up');
    assert.equal(up.code === 0, false, file);
    assert.match(up.stderr, new RegExp(file.replace('.', String.raw`\.`), 'u'));
    rmSync(join(home.paths.stateDir, file));
  }
});

test('C5 named pipes in the place of what belongs to a claim keep nobody waiting', async () => {
  await using home = openHome();
  const claim = join(home.project, '.reeve', 'claim');
  makeFifo(`${claim}.lock`);
  makeFifo(`${claim}.json.new`);
  const held = await home.cli('run', '--', 'true');
  assert.equal(held.code, 0, held.stderr);
  makeFifo(`${claim}.json`);
  const corrupt = await home.cli('run', '--', 'true');
  assert.match(corrupt.stderr, /not a regular file \[CLAIM_CORRUPT\]/u);
});

function makeFolder(path: string): void {
  rmSync(path);
  mkdirSync(path);
}

/** Nobody listens there any more. */
function makeSocket(path: string): void {
  rmSync(path, { recursive: true });
  const listen =
    'require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))';
  assert.equal(spawnSync(process.execPath, ['-e', listen, path]).signal, 'SIGKILL');
  assert.ok(lstatSync(path).isSocket());
}
