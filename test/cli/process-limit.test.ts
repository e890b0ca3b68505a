import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { readProcess } from '../rig/live-processes.ts';
import { needsRoot } from '../rig/nobody.ts';
import { REEVE } from '../rig/reeve.ts';
import { until } from '../rig/until.ts';
import { createHome } from './command-line.ts';

failOnLeaks();

/**
 * The first of the users of this test alone, one for each try: the limit counts all that a user has, also what is dead and not yet waited for
 * (https://man7.org/linux/man-pages/man2/getrlimit.2.html).
 */
const FIRST_UID = 20_000 + (process.pid % 400) * 100;
const HANG_GUARD_MS = 60_000;

/** Lets the command line itself have all the threads that it will want, and what it starts no more than so many. */
const BOUND = `
const free = process.env.FREE_PROCESSES;
delete process.env.FREE_PROCESSES;
if (free !== undefined) {
  const { stat, readdirSync } = require('node:fs');
  stat('/', () => {});
  const limit = readdirSync('/proc/self/task').length + Number(free);
  require('node:child_process').execFileSync('prlimit', ['--pid', String(process.pid), '--nproc=' + limit + ':']);
}
`;

const ENOUGH = 60;
/** From none at all, over what a Node waits for ever without, to more than enough. */
const TRIES: readonly (readonly [command: string, free: readonly number[]])[] = [
  ['start -- true', [0, 1, 2, 5, 7, ENOUGH]],
  ['run --keep-background -- true', [1, 3, ENOUGH]],
  ['start --max-usd 1 -- true', [7, 8, 10, 11, ENOUGH]],
];

test(
  'too few processes or threads for a Node are told in a line with code and remedy, and leave nothing running or on record as if it were',
  { skip: needsRoot },
  async (t) => {
    const told: string[] = [];
    let uid = FIRST_UID;
    for (const [command, frees] of TRIES)
      for (const free of frees) {
        uid += 1;
        told.push(await tryWith(t, { uid, command, free }));
      }
    for (const seen of [
      /^reeve: spawn \S+ EAGAIN \[SYSTEM_ERROR\]/u,
      /^reeve: the shim of the run did not start \(SIGABRT\) \[SYSTEM_ERROR\]\n {2}at .*shim\.log\n/u,
      // What would have been waited for without an end.
      /^reeve: the shim of the run did not start \(no process and no thread can be made: EAGAIN\) \[SYSTEM_ERROR\]/u,
      /^reeve: the daemon did not start \(no process and no thread can be made: EAGAIN\) \[DAEMON_UNREACHABLE\]\n {2}at .*daemon\.log\n/u,
    ])
      assert.ok(
        told.some((line) => seen.test(line)),
        `${String(seen)}\n${told.join('\n')}`,
      );
  },
);

/** Gives what was told of what could not be; empty when all could. */
async function tryWith(
  t: TestContext,
  { uid, command, free }: { readonly uid: number; readonly command: string; readonly free: number },
): Promise<string> {
  const home = createHome(t);
  chownSync(home.folder, uid, uid);
  const hook = join(home.folder, 'bound.cjs');
  writeFileSync(hook, BOUND);
  const reeve = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    spawnSync(REEVE, args, {
      env: { ...home.env, ...more },
      cwd: home.folder,
      uid,
      gid: uid,
      encoding: 'utf8',
      timeout: HANG_GUARD_MS,
      killSignal: 'SIGKILL',
    });
  const bounded = { NODE_OPTIONS: `--require ${hook}`, FREE_PROCESSES: String(free) };
  const { stderr, status, signal } = reeve(command.split(' '), bounded);
  const what = `${command} with ${free} processes: exit ${status ?? signal}\n${stderr}`;
  assert.notEqual(status, null, what);
  assert.doesNotMatch(stderr, /^ {4}at /mu, what);
  const line = /^reeve: .*\[[A-Z_]+\](?:\n {2}.*)*/mu.exec(stderr)?.[0];
  if (status === 0) assert.equal(line, undefined, what);
  else assert.match(line ?? '', /too many processes/u, what);
  if (free === ENOUGH) assert.equal(status, 0, what);
  assert.equal(reeve(['down']).status, 0, what);
  await until(() => livingOf(uid).length === 0);
  const { runs } = JSON.parse(reeve(['ps', '--all', '--json']).stdout) as { runs: readonly RunJson[] };
  assert.ok(
    runs.every(({ completedAt }) => completedAt !== null),
    what,
  );
  return line ?? '';
}

/** PIDs of what lives of a user. */
function livingOf(uid: number): readonly number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid && readProcess(pid) !== null);
}
