import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { newRepository, tempFolder } from './rig.ts';

failOnLeaks();

const PROCESSES = 10;
const CONTENDERS_EACH = 5;
const ROUNDS = 1_000;

interface Raced {
  readonly tokens: readonly number[];
  readonly refusals: readonly string[];
}

function startContenders(t: TestContext, folder: string, first: number): ChildProcess {
  const args = [folder, join(folder, 'spare'), String(first), String(CONTENDERS_EACH)];
  const child = fork(join(import.meta.dirname, 'programs/contender.ts'), args, { execArgv: [] });
  t.after(() => child.exitCode === null && child.signalCode === null && child.kill('SIGKILL'));
  return child;
}

async function tell<T>(children: readonly ChildProcess[], order: string): Promise<readonly T[]> {
  const answers = children.map(async (child) => (await once(child, 'message'))[0] as T);
  for (const child of children) child.send(order);
  return Promise.all(answers);
}

test('C1, invariant 4: of 50 contenders one wins, in each of 1,000 rounds, with a token above all before', async (t) => {
  const folder = newRepository(join(tempFolder(t), 'repo'));
  const children = Array.from({ length: PROCESSES }, (_, index) => startContenders(t, folder, index * CONTENDERS_EACH));
  await Promise.all(children.map((child) => once(child, 'message')));
  let last = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const raced = await tell<Raced>(children, 'race');
    const tokens = raced.flatMap((one) => one.tokens);
    const refusals = raced.flatMap((one) => one.refusals);
    assert.equal(tokens.length, 1, `round ${round}: ${tokens.length} winners`);
    assert.equal(refusals.length, PROCESSES * CONTENDERS_EACH - 1);
    for (const refusal of refusals)
      assert.match(refusal, /^CLAIM_HELD .* claimed by run run_\d+ .*PID \d+ on .* since /);
    const [token = 0] = tokens;
    assert.ok(token > last);
    last = token;
    await tell(children, 'release');
  }
  await Promise.all(
    children.map((child) => {
      const ended = once(child, 'exit');
      child.send('end');
      return ended;
    }),
  );
});
