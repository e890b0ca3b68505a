import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunJson } from '../../src/runs/view.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { reeve, reeveJson, type CommandPlace, type CommandResult } from '../rig/reeve.ts';
import { createHome } from './command-line.ts';

failOnLeaks();

const CROWD = 50;

interface Receipts {
  readonly receipts: readonly {
    readonly runId: string;
    readonly signalled: readonly { readonly pid: number; readonly signals: readonly string[] }[];
    readonly provenEmpty: boolean;
  }[];
}

test('fifty starts at once are fifty runs on record, and one stop ends them all', async (t) => {
  const { folder: cwd, env } = createHome(t);
  const place = { cwd, env };
  const started = await Promise.all(Array.from({ length: CROWD }, (_, index) => startSleep(place, `n${index}`)));
  const ids = new Set(started.map(({ stdout }) => (JSON.parse(stdout) as RunJson).id));
  assert.equal(ids.size, CROWD);
  const { runs } = await reeveJson<{ readonly runs: readonly RunJson[] }>(place, ['ps']);
  assert.deepEqual(new Set(runs.filter(({ state }) => state === 'running').map(({ id }) => id)), ids);
  const { receipts } = await reeveJson<Receipts>(place, ['stop', '--all', '--grace', '0']);
  assert.deepEqual(new Set(receipts.map(({ runId }) => runId)), ids);
  assert.ok(receipts.every(({ provenEmpty }) => provenEmpty));
});

test('fifty starts of one name are one run, and forty-nine refusals that name it', async (t) => {
  const { folder: cwd, env } = createHome(t);
  const place = { cwd, env };
  const results = await Promise.all(Array.from({ length: CROWD }, () => startSleep(place, 'one')));
  const won = results.filter(({ exitCode }) => exitCode === 0);
  assert.equal(won.length, 1);
  const { id } = JSON.parse(won[0]?.stdout ?? '') as RunJson;
  for (const { stderr, exitCode } of results.filter((result) => result !== won[0])) {
    const { error } = JSON.parse(stderr) as { readonly error: { readonly code: string; readonly where: string } };
    assert.deepEqual([error.code, error.where, exitCode], ['RUN_EXISTS', id, 2]);
  }
  assert.equal((await reeve(place, 'stop', 'one', '--grace', '0')).exitCode, 0);
});

test('fifty stops of one run end it once: each proves that it is over, or finds it ended', async (t) => {
  const { folder: cwd, env } = createHome(t);
  const place = { cwd, env };
  const run = JSON.parse((await startSleep(place, 'one')).stdout) as RunJson;
  const results = await Promise.all(Array.from({ length: CROWD }, () => reeve(place, 'stop', 'one', '--json')));
  let proofs = 0;
  for (const { stdout, stderr, exitCode } of results) {
    if (exitCode === 0) {
      const { receipts } = JSON.parse(stdout) as Receipts;
      assert.ok(receipts.every(({ runId, provenEmpty }) => runId === run.id && provenEmpty));
      proofs += 1;
    } else {
      const { error } = JSON.parse(stderr) as { readonly error: { readonly code: string } };
      assert.deepEqual([error.code, exitCode], ['RUN_ENDED', 1]);
    }
  }
  assert.ok(proofs > 0);
  const ended = await reeveJson<RunJson>(place, ['inspect', 'one']);
  assert.deepEqual([ended.state, ended.endReason, ended.signal], ['interrupted', 'stop', 'SIGTERM']);
});

/** `--json` goes before the command: after it, it would be the command's. */
function startSleep(place: CommandPlace, name: string): Promise<CommandResult> {
  return reeve(place, 'start', '--shared', `--name=${name}`, '--json', '--', 'sleep', '1000');
}
