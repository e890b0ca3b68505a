/**
 * Records the project's own samples of agents' logs: `node test/samples/record.ts`. Runs real Claude Code offline through scripted
 * conversations and keeps the logs it wrote, with the paths of this machine rewritten, and beside them `truth.json`: what the script played.
 *
 *   claude-shed/       several blocks in one answer, a subagent, a resume, a fork
 *   claude-killed/     killed in the middle of a tool call: the live registry stays behind
 *   claude-prompts/    two sessions of four and three turns, and all that looks like a prompt and is none
 */
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openClaudeScratch, type ClaudeScratch } from '../rig/claude.ts';
import { runClaude, startClaude } from '../rig/claude-process.ts';
import { loggedText } from '../rig/logged-text.ts';
import { truthOf } from '../rig/script-truth.ts';
import { SHED_PROMPT, SHED_SCRIPT } from '../rig/shed-script.ts';
import { TREE_PROMPT, treeScript } from '../rig/tree-script.ts';
import { promptOnTerminal, PROMPTS_SCRIPT, promptWithoutTerminal } from './record-prompts.ts';

/** Where the samples say that they were written. */
const SAMPLE_ROOT = '/home/dev/work';
const SESSION = 'aaaaaaaa-0000-4000-8000-000000000001';

await recordShed();
await recordKilled();
await recordPrompts();

async function recordShed(): Promise<void> {
  await using scratch = await openClaudeScratch(() => SHED_SCRIPT);
  await runClaude(scratch, SHED_PROMPT, '--session-id', SESSION);
  await runClaude(scratch, 'once more', '--resume', SESSION);
  await runClaude(scratch, 'and again', '--resume', SESSION, '--fork-session');
  keep(scratch, 'claude-shed', ['projects']);
}

async function recordKilled(): Promise<void> {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const agent = startClaude(scratch, TREE_PROMPT, '--session-id', SESSION);
  await scratch.treeUp();
  agent.kill('SIGKILL');
  await once(agent, 'exit');
  keep(scratch, 'claude-killed', ['projects', 'sessions']);
}

async function recordPrompts(): Promise<void> {
  await using scratch = await openClaudeScratch(() => PROMPTS_SCRIPT);
  await promptWithoutTerminal(scratch, SESSION);
  await promptOnTerminal(scratch);
  keep(scratch, 'claude-prompts', ['projects']);
}

function keep(scratch: ClaudeScratch, name: string, folders: readonly string[]): void {
  const target = join(import.meta.dirname, name);
  rmSync(target, { recursive: true, force: true });
  for (const folder of folders) cpSync(join(scratch.configDir, folder), join(target, folder), { recursive: true });
  rewrite(target, scratch);
  // What Claude Code asks for a summary leaves no usage in the log.
  const logged = loggedText(scratch);
  const truth = truthOf(scratch.api.answers.filter(({ message }) => logged.includes(message.id)));
  writeFileSync(join(target, 'truth.json'), `${JSON.stringify(truth, null, 2)}\n`);
}

/** Claude Code names a project's folder by its path with every other character than letters and digits as a dash. */
function slug(path: string): string {
  return path.replaceAll(/[^A-Za-z0-9]/gu, '-');
}

function rewrite(folder: string, scratch: ClaudeScratch): void {
  const rewritten = (text: string): string =>
    text
      .replaceAll(scratch.root, SAMPLE_ROOT)
      .replaceAll(slug(scratch.root), slug(SAMPLE_ROOT))
      .replaceAll(scratch.api.url, 'http://127.0.0.1:8080');
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, rewritten(entry.name));
    if (path !== join(folder, entry.name)) renameSync(join(folder, entry.name), path);
    if (entry.isDirectory()) rewrite(path, scratch);
    else writeFileSync(path, rewritten(readFileSync(path, 'utf8')));
  }
}
