/**
 * `npm run demo`: one real agent stopped twice. First by a plain TERM, to see what that leaves running; then by reeve when it spends more
 * than five cents, to see that nothing is left, that the project is locked out, and that the next start is refused. Exits 0 when all of
 * that was so.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { closeClaudeScratches, openClaudeScratch } from '../test/rig/claude.ts';
import { installAgents } from '../test/rig/install-agents.ts';
import { isAlive } from '../test/rig/live-processes.ts';
import { reeveJson } from '../test/rig/reeve.ts';
import { breachScript, TREE_PROMPT } from '../test/rig/tree-script.ts';
import { measurePlainTerm } from './plain-term.ts';
import { createScreen } from './screen.ts';
import { runShown } from './shown-command.ts';
import { showSideBySide, type ShownReceipt } from './side-by-side.ts';
import { steadyZone } from './steady-day.ts';

const LIMITS = `[[limit]]
name = "pocket-money"
period = "daily"
usd = 0.05
action = "stop"
`;
const CLAUDE = `claude -p "${TREE_PROMPT}"`;
const LOCKED_OUT = 75;
const ENDED_BY_LIMIT = 124;

const interrupted = new AbortController();
// Whoever ends the demo early must not be left with what it started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    interrupted.abort();
    void closeClaudeScratches().finally(() => process.exit(128 + constants.signals[signal]));
  });

const screen = createScreen(process.stdout, process.env);
const { paint, line } = screen;

try {
  await tellStory();
} catch (error) {
  // After Ctrl-C the story stumbles over what has been cleaned up; the handler above ends the process.
  if (!interrupted.signal.aborted) throw error;
}

async function tellStory(): Promise<void> {
  line(paint('bold', 'reeve: one real agent, stopped twice'));
  await installAgents((text) => line(paint('dim', text)));
  line(paint('dim', 'Claude Code is real. Its model is a script on 127.0.0.1, its files are temporary.'));

  await screen.chapter('A plain TERM');
  line(`   ${CLAUDE} runs a shell command with four sleeps,`);
  line('   beside two MCP servers.');
  const plain = await measurePlainTerm((pid) => screen.prompt(`kill -TERM ${pid}`));
  assert.ok(plain.alive.length > 0, 'a plain TERM left nothing: this agent has changed, and so must the demo');
  line(`claude ended after ${seconds(plain.elapsedMs)}.`);
  line(paint('red', `${plain.alive.length} processes of it are still running:`));
  for (const { pid, comm, argv } of plain.alive)
    line(`  ${String(pid).padStart(8)}  ${comm === 'bash' ? 'bash (the tool call)' : argv.join(' ')}`);
  await screen.beat(2);
  assert.ok(!plain.alive.some(isAlive));
  line(paint('dim', '(The demo has ended them, each by its identity.)'));

  await screen.chapter('The same agent under reeve, with five cents a day');
  const tree = Promise.withResolvers<void>();
  await using scratch = await openClaudeScratch((mark) => breachScript(mark, tree.promise));
  const { TERM = 'dumb', NO_COLOR = '', TZ = '' } = process.env;
  const zone = steadyZone(new Date()) ?? TZ;
  const place = { cwd: scratch.repository, env: { ...scratch.env, TERM, NO_COLOR, ...(zone !== '' && { TZ: zone }) } };
  writeFileSync(join(scratch.reeveHome, 'config.toml'), LIMITS);
  await screen.prompt('cat ~/.config/reeve/config.toml');
  screen.quote(LIMITS);

  const command = ['run', '--name', 'shed', ...scratch.markOptions, '--', ...scratch.claudeCommand(TREE_PROMPT)];
  await screen.prompt(`reeve run --name shed -- ${CLAUDE}`);
  const run = runShown(place, ...command);
  const roles = await scratch.treeUp();
  await screen.prompt('reeve tree shed      # meanwhile, in another terminal');
  await runShown(place, 'tree', 'shed');
  await screen.beat(2);
  line(paint('yellow', '\nIts subagent gets one more answer, and five cents are spent.'));
  tree.resolve();
  assert.equal(await run, ENDED_BY_LIMIT);
  assert.deepEqual(scratch.living(), []);
  const requestsAtStop = scratch.api.requests.length;

  await screen.prompt('reeve inspect shed');
  await runShown(place, 'inspect', 'shed');
  const { receipts } = await reeveJson<{ readonly receipts: readonly ShownReceipt[] }>(place, ['inspect', 'shed']);

  await screen.chapter('Side by side');
  showSideBySide(screen, plain, { tree: roles, receipts });

  await screen.chapter('Locked out until midnight');
  await screen.prompt('reeve lockouts');
  await runShown(place, 'lockouts');
  await screen.prompt(`reeve run -- ${CLAUDE}`);
  assert.equal(await runShown(place, ...command), LOCKED_OUT);
  assert.equal(scratch.api.requests.length, requestsAtStop);
  line(
    paint(
      'dim',
      `(exit code ${LOCKED_OUT}; model requests since the stop: ${scratch.api.requests.length - requestsAtStop})`,
    ),
  );

  await screen.prompt('reeve usage');
  await runShown(place, 'usage');
  await screen.prompt('reeve down');
  await runShown(place, 'down');
  assert.deepEqual(scratch.living(), []);
  line(`\n${paint('green', 'Nothing of either agent is left running.')}`);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
