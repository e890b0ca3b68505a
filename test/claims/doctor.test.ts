import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { startAgentPuppet, writeRegistryEntry, writeSessionLog, type AgentPuppet } from '../rig/agent-puppet.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome } from '../shim/home.ts';
import { newRepository } from './rig.ts';

failOnLeaks();

const SESSION = 'aaaaaaaa-0000-4000-8000-000000000001';

function stage(t: TestContext) {
  const home = createHome(t);
  const repo = newRepository(join(home.folder, 'repo'));
  const configDir = join(home.env['HOME'] ?? '', '.claude');
  const env = { HOME: home.env['HOME'] ?? '' };
  const { folder } = home;
  return {
    home,
    repo,
    configDir,
    startAgent: (kind: string, cwd: string, sessionId?: string): Promise<AgentPuppet> =>
      startAgentPuppet(t, {
        folder,
        kind,
        cwd,
        env,
        before: (process) => {
          if (sessionId !== undefined) writeRegistryEntry(configDir, { ...process, sessionId });
        },
      }),
    /** What doctor finds in this stage: other agents may live on the machine. */
    async doctor(...words: readonly string[]): Promise<readonly Finding[]> {
      const { stdout } = await home.reeve(['doctor', '--json', ...words], { cwd: repo });
      const { findings } = JSON.parse(stdout) as { readonly findings: readonly Finding[] };
      return findings.filter((each) => each.kind !== 'unsupervised' && JSON.stringify(each).includes(folder));
    },
  };
}

test('C8 doctor names agents that share a worktree nobody claims: PID, start, working folder, session and its log', async (t) => {
  const { repo, configDir, startAgent, doctor } = stage(t);
  mkdirSync(join(repo, 'src'));
  const log = writeSessionLog(configDir, join(repo, 'src'), SESSION);
  const one = await startAgent('claude', join(repo, 'src'), SESSION);
  assert.deepEqual(await doctor(), []);
  const other = await startAgent('codex', repo);
  const found = await doctor();
  assert.deepEqual(
    new Set(found.map(({ kind, subject }) => `${kind} ${subject}`)),
    new Set([one, other].map(({ pid }) => `collision PID ${pid}`)),
  );
  const [evidence, itsSession, company] = found.find(({ subject }) => subject === `PID ${one.pid}`)?.evidence ?? [];
  assert.match(
    evidence ?? '',
    new RegExp(`^claude \\(PID ${one.pid}\\), started 20\\S+Z \\(tick ${one.startTicks}\\), works in`),
  );
  assert.equal(itsSession, `it is in session ${SESSION} (log ${log}): its own live registry names it`);
  assert.equal(company, `nobody claims ${repo}; there too: codex (PID ${other.pid})`);
});

test('C8 doctor reports a claim whose session is gone, with its last sign of life, and --fix leaves it: its holder lives', async (t) => {
  const { home, repo, configDir, startAgent, doctor } = stage(t);
  const agent = await startAgent('claude', home.folder, SESSION);
  const shell = await startAgent('shell', home.folder);
  const claim = ['claim', '--session', SESSION, '--pid', String(shell.pid)];
  assert.equal((await home.reeve(claim, { cwd: repo })).exitCode, 0);
  const log = writeSessionLog(configDir, repo, SESSION);
  assert.deepEqual(await doctor(), []);
  await agent.end();
  // An agent of another test that is dying just then shows no environment, and might be in it: the next look tells.
  const [found, ...more] = await awaitValue('the end of the session', async () => {
    const findings = await doctor('--fix');
    return findings.length === 0 ? null : findings;
  });
  assert.deepEqual(more, []);
  assert.deepEqual([found?.kind, found?.subject, found?.fixed], ['orphaned-claim', repo, null]);
  assert.match(
    found?.evidence[0] ?? '',
    new RegExp(`^session ${SESSION} is gone \\(its log ${log} was last written 20\\S+Z, and no agent`),
  );
  assert.equal((await home.reeve(['run', '--', 'true'], { cwd: repo })).exitCode, 73, 'in doubt it is held');
});

test('C8 doctor names a session that holds two worktrees by the agent that is seen in it', async (t) => {
  const { home, repo, startAgent, doctor } = stage(t);
  const second = newRepository(join(home.folder, 'second'));
  const agent = await startAgent('claude', home.folder, SESSION);
  for (const cwd of [repo, second])
    assert.equal((await home.reeve(['claim', '--pid', String(agent.pid)], { cwd })).exitCode, 0);
  const [found, ...more] = await doctor();
  assert.deepEqual(more, []);
  assert.deepEqual([found?.kind, found?.subject], ['claimed-twice', `${repo}, ${second}`]);
  assert.equal(found?.evidence[0], `session ${SESSION} holds ${repo}, ${second}`);
});
