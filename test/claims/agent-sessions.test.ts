import assert from 'node:assert/strict';
import { mkdirSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { AgentProcess, AgentSession } from '../../src/claims/agent-session.ts';
import { createAgentSessions } from '../../src/host/agent-sessions.ts';
import { systemClock } from '../../src/host/clock.ts';
import { identityKey } from '../../src/processes/identity.ts';
import {
  startAgentPuppet,
  writeRegistryEntry,
  writeSessionLog,
  type AgentPuppet,
  type AgentPuppetOptions,
} from '../rig/agent-puppet.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { processes } from '../runs/stage.ts';
import { tempFolder } from './rig.ts';

failOnLeaks();

const { table } = processes;
const ONE = 'aaaaaaaa-0000-4000-8000-000000000001';
const TWO = 'aaaaaaaa-0000-4000-8000-000000000002';

/** A working folder, Claude Code's own folder, and what can be told of the agents that are started there. */
function stage(t: TestContext) {
  const folder = tempFolder(t);
  const cwd = join(folder, 'work');
  const configDir = join(folder, 'config');
  for (const path of [cwd, configDir]) mkdirSync(path);
  const finder = createAgentSessions({ table, clock: systemClock, configDirs: () => [configDir] });
  const env = { HOME: folder, CLAUDE_CONFIG_DIR: configDir };
  const start = (more: Partial<AgentPuppetOptions> = {}): Promise<AgentPuppet> =>
    startAgentPuppet(t, { folder, kind: 'claude', cwd, env, ...more });
  const sessionsOf = (...puppets: readonly AgentPuppet[]): readonly (AgentSession | null)[] => {
    const agents = puppets.map(({ pid }): AgentProcess => {
      const row = table.read(pid);
      assert.ok(row);
      return { kind: 'claude', row, cwd };
    });
    const found = finder.sessionsOf(agents);
    return agents.map(({ row }) => found.get(identityKey(row)) ?? null);
  };
  return { folder, cwd, configDir, env, finder, start, sessionsOf };
}

function short(session: AgentSession | null): readonly (string | null)[] | null {
  return session === null ? null : [session.id, session.certainty, session.log];
}

test('C8 its live registry names the session for certain, wherever the environment of the process puts it', async (t) => {
  const { configDir, cwd, start, sessionsOf } = stage(t);
  const log = writeSessionLog(configDir, cwd, ONE);
  const agent = await start({ before: (process) => writeRegistryEntry(configDir, { ...process, sessionId: ONE }) });
  const [session = null] = sessionsOf(agent);
  assert.deepEqual(short(session), [ONE, 'certain', log]);
  assert.match(session?.knownBy ?? '', /live registry/);
});

test('an entry that a dead process of the same PID left behind says nothing', async (t) => {
  const { configDir, start, sessionsOf } = stage(t);
  const before = ({ pid }: { readonly pid: number }): void =>
    writeRegistryEntry(configDir, { pid, startTicks: 1, sessionId: ONE });
  assert.deepEqual(sessionsOf(await start({ before })), [null]);
});

test('a tool that carries the session in its environment names it for certain', async (t) => {
  const { start, sessionsOf, env } = stage(t);
  // The tool is up when its first line was read.
  const script = `mkfifo "$HOME/up"; CLAUDE_CODE_SESSION_ID=${ONE} sh -c 'echo up >"$HOME/up"; read -r _ <&3' & read -r _ <"$HOME/up"`;
  const agent = await start({ script, env });
  const [session = null] = sessionsOf(agent);
  assert.deepEqual(short(session), [ONE, 'certain', null]);
  assert.match(session?.knownBy ?? '', /^PID \d+, which it started/);
});

test('a log that it has open is its session’s for certain', async (t) => {
  const { configDir, cwd, start, sessionsOf } = stage(t);
  const log = writeSessionLog(configDir, cwd, TWO);
  const agent = await start({ script: `exec 4>>${log}` });
  assert.deepEqual(short(sessionsOf(agent)[0] ?? null), [TWO, 'certain', log]);
});

test('what its command line names is likely only: a person may have gone to another session since', async (t) => {
  const { start, sessionsOf } = stage(t);
  const resumed = await start({ args: ['--resume', ONE] });
  assert.deepEqual(short(sessionsOf(resumed)[0] ?? null), [ONE, 'likely', null]);
});

test('the only log of its folder that was written since it began is likely its own; of two agents in one folder nothing is said', async (t) => {
  const { configDir, cwd, start, sessionsOf } = stage(t);
  const old = writeSessionLog(configDir, cwd, ONE);
  utimesSync(old, 1_000, 1_000);
  const agent = await start();
  assert.deepEqual(sessionsOf(agent), [null], 'a log from before it began is not its own');
  const log = writeSessionLog(configDir, cwd, TWO);
  assert.deepEqual(short(sessionsOf(agent)[0] ?? null), [TWO, 'likely', log]);
  const other = await start();
  assert.deepEqual(sessionsOf(agent, other), [null, null]);
  await other.end();
  const known = await start({ before: (process) => writeRegistryEntry(configDir, { ...process, sessionId: TWO }) });
  assert.deepEqual(sessionsOf(agent, known).map(short), [null, [TWO, 'certain', log]], 'it is another’s for certain');
});

test('a session that is no file’s name is looked for nowhere', async (t) => {
  const { configDir, cwd, finder } = stage(t);
  const log = writeSessionLog(configDir, cwd, ONE);
  assert.equal(finder.logOf(ONE)?.path, log);
  for (const id of [TWO, '', '..', `../${dirname(log)}/${ONE}`, 'my session']) assert.equal(finder.logOf(id), null, id);
});
