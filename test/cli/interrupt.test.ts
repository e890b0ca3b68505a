import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { InterruptReport } from '../../src/runs/interrupt.ts';
import type { RunJson } from '../../src/runs/view.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { isAlive } from '../rig/live-processes.ts';
import { createReport, puppetCommand } from '../rig/puppet.ts';
import { createHome, MAIN, type Home } from './command-line.ts';

failOnLeaks();

const RUN_TOOL = `"${process.execPath}" "${MAIN}" run --session s1 --turn t1 --tool-call`;

/** An agent under reeve with two tool calls under reeve inside it, all three in one process group. */
async function startAgent(t: TestContext, home: Home) {
  const [agent, one, two] = [createReport(t), createReport(t), createReport(t)];
  const tool = (id: string, report: typeof one) =>
    `${RUN_TOOL} ${id} -- ${puppetCommand('sleeper.sh', report).join(' ')}`;
  const script = `trap 'echo "interrupted $$" >> ${agent.path}' INT
    ${tool('one', one)} & ${tool('two', two)} &
    echo "leader $$" >> ${agent.path}; while :; do wait; sleep 0.02; done`;
  const run = home.json<RunJson>('start', '--session', 's1', '--name', 'agent', '--', 'sh', '-c', script);
  const { leader } = await agent.processes('leader');
  const tools = await Promise.all([one, two].map(async (report) => (await report.processes('leader')).leader));
  // A command can say that it is up before its shim has it on record.
  await awaitValue('all three to be on record as running', () => {
    const { runs } = home.json<{ readonly runs: readonly RunJson[] }>('ps');
    return runs.filter(({ state }) => state === 'running').length === 3 ? true : null;
  });
  return { run, leader, one: tools[0] ?? assert.fail(), two: tools[1] ?? assert.fail() };
}

function stop(home: Home): void {
  home.reeve('stop', '--all', '--grace', '0');
}

test('I1 of two tool calls in one turn one is interrupted; the other and the agent go on', async (t) => {
  const home = createHome(t);
  const agent = await startAgent(t, home);
  const report = home.json<InterruptReport>(
    'interrupt',
    'turn=t1',
    'tool-call=one',
    '--reason',
    'the user pressed escape',
  );
  const { runs, ...counts } = report;
  assert.deepEqual(counts, { matched: 1, signaled: 1, stale: 0, unavailable: 0 });
  assert.deepEqual(
    runs[0]?.processes.map(({ pid }) => pid),
    [agent.one.pid],
  );
  assert.ok(isAlive(agent.two) && isAlive(agent.leader));
  assert.ok(!isAlive(agent.one));
  const run = home.json<RunJson>('inspect', runs[0].id);
  assert.deepEqual(
    [run.state, run.endReason, run.error, run.signal],
    ['interrupted', 'interrupt', 'the user pressed escape', 'SIGINT'],
  );
  assert.equal(home.json<RunJson>('inspect', 'agent').state, 'running');
  stop(home);
});

test('I1 the agent is asked, and the tool calls inside it are spared', async (t) => {
  const home = createHome(t);
  const agent = await startAgent(t, home);
  const { runs, ...counts } = home.json<InterruptReport>('interrupt', 'agent', '--grace', '100ms');
  assert.deepEqual(counts, { matched: 1, signaled: 1, stale: 0, unavailable: 0 });
  assert.equal(runs[0]?.state, 'running', 'it outlives the interrupt');
  assert.ok([agent.leader, agent.one, agent.two].every(isAlive));
  assert.deepEqual(runs[0].processes.map(({ pid }) => pid).includes(agent.one.pid), false);
  stop(home);
});

test('I2 an empty scope is refused, no match is an error of its own, and a dry run signals and writes nothing', async (t) => {
  const home = createHome(t);
  const { leader, one, run } = await startAgent(t, home);
  for (const words of [[], ['--reason', 'only'], ['session='], ['  ']]) {
    const { stderr, exitCode } = home.reeve('interrupt', '--json', ...words);
    assert.deepEqual([JSON.parse(stderr).error.code, exitCode], ['SCOPE_EMPTY', 2]);
  }
  for (const words of [['nobody'], ['session=s2'], ['session=s1', 'tool-call=three']]) {
    const { stderr, exitCode } = home.reeve('interrupt', '--json', ...words);
    assert.deepEqual([JSON.parse(stderr).error.code, exitCode], ['RUN_NOT_FOUND', 2]);
  }
  assert.equal(home.reeve('interrupt', '--all', 'session=s1').exitCode, 2);
  assert.equal(home.json<InterruptReport>('interrupt', '--all', '--dry-run').matched, 3);
  const before = home.json<RunJson>('inspect', run.id);
  const plan = (...form: readonly string[]): readonly number[] => {
    const { matched, signaled, runs } = home.json<InterruptReport>('interrupt', run.id, '--dry-run', ...form);
    assert.deepEqual([matched, signaled], [1, 1]);
    return runs[0]?.processes.map(({ pid }) => pid) ?? [];
  };
  const [soft, hard] = [plan(), plan('--hard')];
  assert.ok(soft.includes(leader.pid) && hard.includes(leader.pid));
  assert.ok(!soft.includes(one.pid) && hard.includes(one.pid), 'a stop ends what is inside as well');
  assert.match(home.reeve('interrupt', run.id, '--dry-run').stdout, /1 run matched: 1 would be signalled/);
  assert.deepEqual(home.json<RunJson>('inspect', run.id), before);
  assert.ok(isAlive(leader));
  stop(home);
});

test('I3 hard ends the tree, verified, with the reason on record; a second interrupt is a no-op', async (t) => {
  const home = createHome(t);
  const report = createReport(t);
  const run = home.json<RunJson>('start', '--', ...puppetCommand('stubborn.sh', report));
  const { leader, child } = await report.processes('leader', 'child');
  const outlived = home.json<InterruptReport>('interrupt', run.id, '--grace', '50ms');
  assert.deepEqual([outlived.signaled, outlived.runs[0]?.state], [1, 'running'], 'it ignores INT');
  const hard = home.json<InterruptReport>('interrupt', run.id, '--hard', '--grace', '0', '--reason', 'enough');
  assert.deepEqual([hard.signaled, hard.runs[0]?.state], [1, 'interrupted']);
  assert.ok(!isAlive(leader) && !isAlive(child));
  const ended = home.json<RunJson>('inspect', run.id);
  assert.deepEqual([ended.state, ended.endReason, ended.error], ['interrupted', 'interrupt', 'enough']);
  const again = home.reeve('interrupt', run.id, '--json');
  const { runs, ...counts } = JSON.parse(again.stdout) as InterruptReport;
  assert.deepEqual([counts, again.exitCode], [{ matched: 1, signaled: 0, stale: 1, unavailable: 0 }, 0]);
  assert.match(runs[0]?.error ?? '', /has ended \(interrupted\)/);
  assert.deepEqual(home.json<RunJson>('inspect', run.id), ended);
});

test('a run is interrupted from inside: softly not, hard by its shim, which ends the caller last', async (t) => {
  const home = createHome(t);
  const report = createReport(t);
  const inside = `"${process.execPath}" "${MAIN}" interrupt name=me`;
  const script = `${inside} --json > ${report.path}.soft; echo "leader $$" >> ${report.path}
    ${inside} --hard --grace 0 --reason 'from inside'; sleep 1000`;
  const run = home.json<RunJson>('start', '--name', 'me', '--', 'sh', '-c', script);
  home.reeve('wait', run.id);
  const soft = JSON.parse(readFileSync(`${report.path}.soft`, 'utf8')) as InterruptReport;
  assert.deepEqual([soft.unavailable, soft.runs[0]?.state], [1, 'running']);
  const ended = home.json<RunJson>('inspect', run.id);
  assert.deepEqual([ended.state, ended.endReason, ended.error], ['interrupted', 'interrupt', 'from inside']);
});
