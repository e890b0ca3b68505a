/**
 * A puppet that logs as Claude Code does: a live registry entry under its own PID, and lines in its session's file.
 * It takes one command per line on stdin, and answers each on stdout when it is done:
 *
 *   spend <output tokens>   appends a prompt and an answer to it        → spent <epoch ms before the append>
 *   rename <name>           gives the session a name, as /rename does   → renamed <name>
 *   resume <session id>     goes on in another session, as /resume does  → resumed <session id>
 *   child [stubborn]        starts a child that sleeps (and traps TERM)  → child <pid>
 *   tool                    starts a child that names the session      → tool <pid>
 *   exit <code>             removes the registry entry and ends
 *
 * First it prints `ready <pid> <sessionId>`. Usage:
 * `node agent.ts [--no-registry] [--model <name>] [--branch <name>] [--resume <session id>]`
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { promptLine } from '../../usage/claude-lines.ts';
import { answerLine } from './answer-line.ts';

const { values } = parseArgs({
  options: {
    'no-registry': { type: 'boolean', default: false },
    model: { type: 'string', default: 'claude-sonnet-4-5-20250929' },
    branch: { type: 'string', default: 'HEAD' },
    resume: { type: 'string' },
  },
});
const claudeDir = process.env['CLAUDE_CONFIG_DIR'] ?? join(homedir(), '.claude');
const cwd = realpathSync(process.cwd());
let sessionId = values.resume ?? randomUUID();
const project = join(claudeDir, 'projects', cwd.replaceAll(/[^a-zA-Z0-9]/g, '-'));
const registryEntry = join(claudeDir, 'sessions', `${process.pid}.json`);

mkdirSync(project, { recursive: true });
mkdirSync(join(claudeDir, 'sessions'), { recursive: true });
const entry = {
  pid: process.pid,
  sessionId,
  cwd,
  startedAt: Date.now(),
  procStart: startTicks(),
  version: '2.1.197',
  kind: 'interactive',
  entrypoint: 'sdk-cli',
};
if (!values['no-registry']) writeFileSync(registryEntry, JSON.stringify(entry));
process.stdout.write(`ready ${process.pid} ${sessionId}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  const [verb, argument] = line.trim().split(' ');
  if (verb === 'spend') process.stdout.write(`spent ${spend(Number(argument))}\n`);
  else if (verb === 'rename') process.stdout.write(`renamed ${rename(argument ?? '')}\n`);
  else if (verb === 'resume') process.stdout.write(`resumed ${resume(argument ?? '')}\n`);
  else if (verb === 'child') startChild(argument === 'stubborn');
  else if (verb === 'tool') startTool();
  else if (verb === 'exit') {
    rmSync(registryEntry, { force: true });
    process.exit(Number(argument ?? 0));
  }
});

/** Field 22 of proc(5)'s stat, as text: so does Claude Code write it. */
function startTicks(): string {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function spend(outputTokens: number): number {
  const before = Date.now();
  const { model, branch } = values;
  const prompt = promptLine(sessionId, randomUUID(), { at: new Date(before).toISOString(), cwd, branch });
  appendFileSync(log(), prompt + answerLine({ sessionId, cwd, at: before, outputTokens, model, branch }));
  return before;
}

function log(): string {
  return join(project, `${sessionId}.jsonl`);
}

function resume(id: string): string {
  sessionId = id;
  writeFileSync(registryEntry, JSON.stringify({ ...entry, sessionId }));
  return id;
}

function rename(name: string): string {
  appendFileSync(log(), `${JSON.stringify({ type: 'custom-title', customTitle: name, sessionId })}\n`);
  writeFileSync(registryEntry, JSON.stringify({ ...entry, sessionId, name }));
  return name;
}

/** A child with the session's id in its environment, as every tool of Claude Code has it. */
function startTool(): void {
  const env = { ...process.env, CLAUDECODE: '1', CLAUDE_CODE_SESSION_ID: sessionId };
  const child = spawn('setsid', ['sleep', '600'], { stdio: 'ignore', env });
  process.stdout.write(`tool ${child.pid}\n`);
}

function startChild(stubborn: boolean): void {
  const script = stubborn ? "trap '' TERM HUP INT; echo up; while :; do sleep 1; done" : 'echo up; exec sleep 600';
  const child = spawn('setsid', ['sh', '-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => process.stdout.write(`child ${child.pid}\n`));
}
