import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { startAgentRun, type AgentRun } from './rig/agent-run.ts';
import { openHome, type Home } from './rig/home.ts';

failOnLeaks();

const AGENT = join(import.meta.dirname, 'rig/agent.ts');
const CAPPED = ['--max-usd', '0.05', '--grace', '0s'];

test('L14 a relative CLAUDE_CONFIG_DIR is that of the folder which the run works in, and does not take it past its cap', async () => {
  await using home = openHome();
  const below = join(home.project, 'below');
  mkdirSync(below);
  const env = { CLAUDE_CONFIG_DIR: 'conf' };
  await passCap(home, await startAgentRun(home, { runOptions: CAPPED, env }));
  await passCap(home, await startAgentRun(home, { runOptions: ['--cwd', below, ...CAPPED], env }));
  await passCap(home, await startAgentRun(home, { runOptions: ['--env', 'CLAUDE_CONFIG_DIR=./other', ...CAPPED] }));
});

test('L14 so is one that a wrapper inside the run has set', async () => {
  await using home = openHome();
  const claude = join(home.folder, 'claude-bin', 'claude');
  mkdirSync(dirname(claude));
  symlinkSync(process.execPath, claude);
  // Passes the cap at once.
  const script = '(echo spend 4000; exec sleep 600) | CLAUDE_CONFIG_DIR=conf "$0" "$1"';
  const end = await home.cli('run', ...CAPPED, '--', 'sh', '-c', script, claude, AGENT);
  assert.equal(end.code, 124, end.stderr);
});

test("L14 a project's folder of logs that was moved elsewhere, with a link in its place, does not take a run past its cap", async () => {
  await using home = openHome();
  const [elsewhere, projects] = [join(home.folder, 'elsewhere'), join(home.claudeDir, 'projects')];
  mkdirSync(elsewhere);
  mkdirSync(projects);
  symlinkSync(elsewhere, join(projects, home.project.replaceAll(/[^a-zA-Z0-9]/g, '-')));
  await passCap(home, await startAgentRun(home, { runOptions: CAPPED }));
});

test('L2 a limit on a folder below ~ is held where the home folder is a link', async () => {
  await using home = openHome();
  const link = join(home.folder, 'home');
  symlinkSync(home.folder, link);
  home.writeConfig('[[limit]]\nname = "mine"\nproject = "~/proj*"\nperiod = "daily"\nusd = 0.05\ngrace = "0s"\n');
  const run = await startAgentRun(home, { env: { HOME: link } });
  await run.tell('spend 4000');
  assert.equal((await home.event('limit.breached')).project, home.project);
  assert.equal((await run.ended).code, 124);
});

async function passCap(home: Home, run: AgentRun): Promise<void> {
  await run.tell('spend 4000');
  await home.event('limit.breached', ({ runId }) => runId === run.runId);
  assert.equal((await run.ended).code, 124);
}
