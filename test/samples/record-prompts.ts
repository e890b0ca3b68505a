import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { awaitValue } from '../rig/await-value.ts';
import type { ClaudeScratch } from '../rig/claude.ts';
import { runClaude } from '../rig/claude-process.ts';
import { bashTurn, sayTurn, type Script } from '../rig/fake-api/script.ts';
import { loggedText } from '../rig/logged-text.ts';
import { openPty } from '../rig/pty.ts';

const USAGE = { input: 3, output: 4 };
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** Two conversations: one without a terminal, and one on it. */
export const PROMPTS_SCRIPT: Script = [
  {
    prompt: 'paint the shed',
    turns: [bashTurn('true', USAGE), ...['a', 'b', 'c', 'd'].map((word) => sayTurn(word, USAGE))],
  },
  {
    prompt: 'mow the lawn',
    turns: [bashTurn('sleep 300', USAGE), sayTurn('alpha', USAGE), sayTurn('beta', USAGE), sayTurn('gamma', USAGE)],
  },
];

/**
 * A session of four turns, and of all that Claude Code writes on lines of type `user` without being asked: what a command of the project
 * expands to, a tool result, a summary, commands that ask no model. One prompt begins with a tag, one with an image.
 */
export async function promptWithoutTerminal(scratch: ClaudeScratch, session: string): Promise<void> {
  const commands = join(scratch.repository, '.claude', 'commands');
  mkdirSync(commands, { recursive: true });
  writeFileSync(join(commands, 'brush.md'), 'paint the shed in $ARGUMENTS\n');
  await runClaude(scratch, '/brush red', '--session-id', session);
  await runClaude(scratch, '<task>once more</task>', '--resume', session);
  const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
  await streamPrompts(scratch, session, ['one', [image, { type: 'text', text: 'look' }]]);
  await runClaude(scratch, '/compact', '--resume', session);
  await runClaude(scratch, '/cost', '--resume', session);
}

/** Prompts one after another through standard input, as programs that embed Claude Code give them. */
async function streamPrompts(scratch: ClaudeScratch, session: string, contents: readonly unknown[]): Promise<void> {
  const [command, print, , ...options] = scratch.claudeCommand('', '--resume', session);
  const format = ['--input-format', 'stream-json', '--output-format', 'stream-json', '--verbose'];
  const agent = spawn(command, [print ?? '', ...options, ...format], {
    cwd: scratch.repository,
    env: scratch.agentEnv,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  for (const content of contents)
    agent.stdin.write(`${JSON.stringify({ type: 'user', message: { role: 'user', content } })}\n`);
  agent.stdin.end();
  await once(agent, 'exit');
}

/** A session of three turns: a prompt whose tool call is interrupted, one that is answered, and a command for the shell. */
export async function promptOnTerminal(scratch: ClaudeScratch): Promise<void> {
  const env = { ...scratch.agentEnv, TERM: 'xterm-256color' };
  const pty = openPty({ after: () => {} }, [...scratch.interactiveCommand], { cwd: scratch.repository, env });
  const enter = async (text: string, seen: string): Promise<void> => {
    pty.type(text);
    await pty.see(seen);
    pty.type('\r');
  };
  const logged = (words: string) =>
    awaitValue(`${words} in the log`, () => (loggedText(scratch).includes(words) ? true : null));
  await pty.see('❯');
  await pty.see('⏵⏵');
  await enter('mow the lawn', 'mow');
  await logged('sleep 300');
  pty.type('\u001B');
  await logged('Request interrupted');
  await enter('go on', 'go');
  await logged('alpha');
  pty.type('!');
  await enter('echo banged', 'banged');
  await logged('"beta"');
  pty.closeWindow();
  await pty.exited;
}
