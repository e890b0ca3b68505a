/** Interrupts one tool call of a turn, and spares the other. */
import { createRegistry } from 'reeve';

const registry = createRegistry();

/** Starts the process of a tool call, and says whose it is. */
async function startTool(toolCallId: string) {
  const owner = { sessionId: 'session-1', turnId: 'turn-1', toolCallId };
  return registry.spawn({ source: 'acp_terminal', owner, command: 'sleep', args: ['1000'], stdio: 'ignore' });
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
