import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Holder } from '../../src/claims/claim.ts';
import { createCollisionWatch } from '../../src/daemon/collision-watch.ts';
import { FULL_LOOK_EVERY, LOOK_MS } from '../../src/daemon/look-schedule.ts';
import { createProcessLooks } from '../../src/daemon/process-looks.ts';
import type { Event } from '../../src/events.ts';
import { createAgentSessions } from '../../src/host/agent-sessions.ts';
import { createMemoryStore } from '../../src/store/memory/open.ts';
import { acquire, claimPorts, holderOf, newRepository, tempFolder } from '../claims/rig.ts';
import { startAgentPuppet, writeRegistryEntry, writeSessionLog, type AgentPuppet } from '../rig/agent-puppet.ts';
import { awaitValue } from '../rig/await-value.ts';
import { failOnLeaks } from '../rig/leaks.ts';

failOnLeaks();

/** Acceptance C8: the daemon tells of an agent within this time. */
const C8_MS = 2_000;
const SESSION = 'aaaaaaaa-0000-4000-8000-000000000001';

/** The daemon's watch over real processes, claims and logs; its interval alone is the test's. */
function stage(t: TestContext) {
  const folder = tempFolder(t);
  const repo = newRepository(join(folder, 'repo'));
  const configDir = join(folder, 'config');
  mkdirSync(configDir);
  const claims = claimPorts(join(folder, 'spare'), createMemoryStore().claims);
  const { table, clock, uid } = claims;
  const sessions = createAgentSessions({ table, rows: () => looks.rows, clock, configDirs: () => [configDir] });
  const events: Event[] = [];
  const errors: unknown[] = [];
  const watch = createCollisionWatch({
    claims,
    sessions,
    uid,
    record: (event) => events.push(event),
    onError: (error) => errors.push(error),
  });
  const looks = createProcessLooks({ table, viewers: [watch.view], onError: (error) => errors.push(error) });
  t.mock.timers.enable({ apis: ['setInterval'] });
  looks.start();
  const env = { HOME: folder, CLAUDE_CONFIG_DIR: configDir };
  return {
    folder,
    repo,
    configDir,
    claims,
    env,
    startClaude: (cwd: string, sessionId: string): Promise<AgentPuppet> =>
      startAgentPuppet(t, {
        folder,
        kind: 'claude',
        cwd,
        env,
        before: (process) => writeRegistryEntry(configDir, { ...process, sessionId }),
      }),
    /** What is told of worktrees in the stage's folder while that time passes. */
    async toldIn(ms: number): Promise<readonly Event[]> {
      const before = events.length;
      t.mock.timers.tick(ms);
      await watch.settled();
      assert.deepEqual(errors, []);
      return events.slice(before).filter((event) => JSON.stringify(event).includes(folder));
    },
  };
}

function heldBy({ pid, startTicks }: AgentPuppet, claims: ReturnType<typeof claimPorts>): Holder {
  return { ...holderOf(null), process: { ...claims.table.realm, pid, startTicks } };
}

test('C8 an agent in a claimed worktree is told of in the ticks of two seconds, with its session and log', async (t) => {
  const { folder, repo, claims, configDir, startClaude, toldIn } = stage(t);
  const holder = heldBy(await startAgentPuppet(t, { folder, kind: 'build', cwd: folder }), claims);
  await acquire(claims, repo, { holder: { ...holder, runId: 'run_HOLDER' } });
  assert.deepEqual(await toldIn(C8_MS), []);

  const log = writeSessionLog(configDir, repo, SESSION);
  const agent = await startClaude(repo, SESSION);
  const [event, ...more] = await toldIn(C8_MS);
  assert.deepEqual(more, []);
  assert.ok(event?.type === 'claim.collided');
  assert.deepEqual([event.pid, event.runId, event.session, event.log], [agent.pid, 'run_HOLDER', SESSION, log]);
  assert.match(event.message, /claimed by run run_HOLDER .*it is in session .*its own live registry names it$/);
  assert.deepEqual(await toldIn(LOOK_MS * FULL_LOOK_EVERY), [], 'once');
});

test('a claim whose session is gone is told of; while its agent lives, or another may be in it, it is not', async (t) => {
  const { folder, repo, claims, configDir, env, startClaude, toldIn } = stage(t);
  const everything = LOOK_MS * FULL_LOOK_EVERY;
  const elsewhere = newRepository(join(folder, 'elsewhere'));
  const shell = await startAgentPuppet(t, { folder, kind: 'shell', cwd: folder });
  await acquire(claims, repo, { holder: heldBy(shell, claims), session: SESSION });
  assert.deepEqual(await toldIn(everything), [], 'nothing is known of the session');

  const log = writeSessionLog(configDir, repo, SESSION);
  const agent = await startClaude(elsewhere, SESSION);
  assert.deepEqual(await toldIn(everything), []);
  const unknown = await startAgentPuppet(t, { folder, kind: 'claude', cwd: folder, env });
  await agent.end();
  assert.deepEqual(await toldIn(everything), [], 'which session the other one is in nobody knows');
  await unknown.end();
  // It keeps its logs elsewhere, so that nothing of it need be known.
  await startAgentPuppet(t, { folder, kind: 'claude', cwd: folder, env: { HOME: '/nowhere' } });
  // An agent of another test that is dying just then shows no environment, and might be in it: the next look tells.
  const event = await awaitValue('the end of the session', async () => (await toldIn(everything))[0] ?? null);
  assert.ok(event.type === 'claim.orphaned');
  assert.deepEqual([event.worktree, event.pid, event.session], [repo, shell.pid, SESSION]);
  assert.ok(event.message.includes(`its log ${log} was last written`), event.message);
});

test('a session that holds two worktrees is told of, also when it named itself to neither claim', async (t) => {
  const { folder, repo, claims, startClaude, toldIn } = stage(t);
  const everything = LOOK_MS * FULL_LOOK_EVERY;
  const second = newRepository(join(folder, 'second'));
  const agent = await startClaude(folder, SESSION);
  const holder = heldBy(agent, claims);
  await acquire(claims, repo, { holder });
  assert.deepEqual(await toldIn(everything), []);
  await acquire(claims, second, { holder });
  const [event] = await toldIn(everything);
  assert.ok(event?.type === 'claim.doubled');
  assert.deepEqual([event.session, event.worktrees], [SESSION, [repo, second]]);
});
