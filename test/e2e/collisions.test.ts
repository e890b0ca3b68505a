import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { logFolderOf } from '../../src/usage/claude/process-session.ts';
import { newRepository } from '../claims/rig.ts';
import { awaitValue } from '../rig/await-value.ts';
import { openClaudeScratch } from '../rig/claude.ts';
import { startClaude } from '../rig/claude-process.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { reeve } from '../rig/reeve.ts';
import { TREE_PROMPT, treeScript } from '../rig/tree-script.ts';

failOnLeaks();

const SESSION = 'aaaaaaaa-0000-4000-8000-00000000c8c8';

test('C8 real Claude Code that reeve did not start: its session and log are named for certain, and missed when it has ended', async () => {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const { repository, root, configDir, env } = scratch;
  const place = { cwd: repository, env };
  const findings = async (kind: Finding['kind']): Promise<readonly Finding[]> => {
    const { stdout } = await reeve(place, 'doctor', '--json');
    const found = (JSON.parse(stdout) as { readonly findings: readonly Finding[] }).findings;
    return found.filter((each) => each.kind === kind && JSON.stringify(each).includes(root));
  };
  await reeve(place, 'start', '--name', 'holder', '--', 'sleep', '1000');
  const other = newRepository(join(root, 'other'));
  const claim = ['claim', '--session', SESSION, '--pid', String(process.pid)];
  assert.equal((await reeve({ cwd: other, env }, ...claim)).exitCode, 0);

  const claude = startClaude(scratch, TREE_PROMPT, '--session-id', SESSION);
  const exited = once(claude, 'exit');
  await scratch.treeUp();
  const log = join(logFolderOf(configDir, repository) ?? '', `${SESSION}.jsonl`);
  const [collision, ...more] = await findings('collision');
  assert.deepEqual(more, []);
  assert.equal(collision?.subject, `PID ${claude.pid}`);
  assert.equal(collision.evidence[1], `it is in session ${SESSION} (log ${log}): its own live registry names it`);
  assert.match(collision.evidence[2] ?? '', /is claimed by run run_/);
  assert.deepEqual(await findings('orphaned-claim'), [], 'the session lives');

  // KILL leaves its entry in the registry behind.
  claude.kill('SIGKILL');
  await exited;
  const gone = await awaitValue('the end of the session', async () => (await findings('orphaned-claim'))[0] ?? null);
  assert.equal(gone.subject, other);
  assert.ok(
    gone.evidence[0]?.startsWith(`session ${SESSION} is gone (its log ${log} was last written `),
    gone.evidence[0],
  );
  await reeve({ cwd: other, env }, 'release');
});
