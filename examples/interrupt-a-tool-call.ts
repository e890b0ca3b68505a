/** Interrupts one tool call of a turn, and spares the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRegistry, type RunHandle } from 'reeve';

const registry = createRegistry();

/** Starts the process of a tool call and says whose it is. */
async function startTool(toolCallId: string) {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', detached: true });
  await once(child, 'spawn');
  const run: RunHandle = await registry.register({
    source: 'acp_terminal',
    owner: { sessionId: 'session-1', turnId: 'turn-1', toolCallId },
    command: 'sleep',
    args: ['1000'],
    cwd: process.cwd(),
    pid: child.pid ?? 0,
  });
  const ended = once(child, 'exit').then(([exitCode, signal]) => run.complete({ exitCode, signal }));
  return { child, ended };
}

const build = await startTool('build');
const tests = await startTool('tests');

const report = await registry.interrupt({ toolCallId: 'build', reason: 'the user pressed escape' });
console.log(`matched ${report.matched}, signaled ${report.signaled}`);
console.log(`build: ${(await build.ended).current.state}`);
console.log(`tests: ${(await registry.list({ scope: { toolCallId: 'tests' } }))[0]?.current.state}`);

// The whole turn, this time with proof: TERM, after the grace KILL, until nothing of it lives.
await registry.interrupt({ turnId: 'turn-1', hard: true, graceMs: 1_000 });
console.log(`tests: ${(await tests.ended).current.state}`);
await registry.close();
