import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../../src/host/clock.ts';
import { createLinuxProcesses } from '../../src/linux/index.ts';
import { killVerified } from '../../src/processes/kill.ts';
import { awaitValue } from './await-value.ts';
import { startFakeApi, type FakeApi } from './fake-api.ts';
import type { Script } from './fake-api/script.ts';
import { installAgents } from './install-agents.ts';
import { livingWithEnvironment, type LiveProcess } from './live-processes.ts';
import { reeve } from './reeve.ts';

/** The model that the tests ask for: its price is in every price table, so that money can be compared exactly. */
export const MODEL = 'claude-opus-4-8';
/** Published prices of {@link MODEL} in USD per million tokens, written down here a second time on purpose. */
export const MODEL_PRICES = { input: 5, output: 25, cacheWrite5m: 6.25, cacheWrite1h: 10, cacheRead: 0.5 } as const;

/** Set on the agent alone, never on reeve: by it the tests find what an agent left, wherever that went. */
export const AGENT_MARK = 'SCRATCH_AGENT';

const API_KEY = 'sk-scratch-not-a-key';

/** Everything that the tool call of `treeToolCall` and the two MCP servers leave running at the least. */
export const TREE_ROLES = ['foreground sleep', 'plain &', 'setsid', 'nohup', 'polite MCP', 'stubborn MCP'] as const;
export type TreeRole = (typeof TREE_ROLES)[number];

/** A folder of its own for one real Claude Code: repository, home, settings, MCP servers, model API, and a home for reeve. */
export interface ClaudeScratch extends AsyncDisposable {
  readonly root: string;
  /** A git repository on branch `feat/shed` with one commit. */
  readonly repository: string;
  /** `CLAUDE_CONFIG_DIR`. */
  readonly configDir: string;
  readonly reeveHome: string;
  readonly api: FakeApi;
  /** Value of {@link AGENT_MARK}. */
  readonly mark: string;
  /** For reeve, or for an agent started without it: it names no secret and no place outside `root`, but PATH. */
  readonly env: Readonly<Record<string, string>>;
  /** The same with the mark: for an agent started without reeve. */
  readonly agentEnv: Readonly<Record<string, string>>;
  /** `reeve run` options that put the mark on the agent. */
  readonly markOptions: readonly string[];
  /** `claude -p <prompt>` with the MCP servers, and every permission granted. */
  claudeCommand(prompt: string, ...args: readonly string[]): readonly [string, ...string[]];
  /** `claude` in its full screen, with the same; it asks nothing before its first prompt. */
  readonly interactiveCommand: readonly [string, ...string[]];
  /** Every live process of the agent, by the mark. */
  living(): readonly LiveProcess[];
  /** Waits for the whole tree of `treeToolCall` to be up. */
  treeUp(): Promise<Readonly<Record<TreeRole, LiveProcess>>>;
  /** Stops every run and the daemon, ends whatever still carries the mark, closes the API, removes the folder. */
  close(): Promise<void>;
}

/** Scratches that are open in this process. */
const open = new Set<ClaudeScratch>();

/** Closes every open scratch: for a program that is told to end early. */
export async function closeClaudeScratches(): Promise<void> {
  await Promise.all([...open].map((scratch) => scratch.close()));
}

/** @param scriptOf the script, given the mark */
export async function openClaudeScratch(scriptOf: (mark: string) => Script): Promise<ClaudeScratch> {
  const agents = await installAgents();
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-claude-')));
  const mark = String(randomInt(100_000, 1_000_000));
  const folder = (name: string): string => {
    const path = join(root, name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  };
  const repository = folder('shed');
  const home = folder('home');
  const configDir = folder('claude');
  const reeveHome = folder('reeve');
  const api = await startFakeApi(scriptOf(mark));
  const checkout = join(import.meta.dirname, '..', '..');
  const env: Record<string, string> = {
    PATH: [agents.binDir, join(checkout, 'bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(':'),
    HOME: home,
    TERM: 'dumb',
    LANG: 'C.UTF-8',
    TMPDIR: folder('tmp'),
    XDG_RUNTIME_DIR: folder('socket'),
    REEVE_HOME: reeveHome,
    CLAUDE_CONFIG_DIR: configDir,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    // As root Claude Code grants every permission only in a sandbox.
    IS_SANDBOX: '1',
    ANTHROPIC_BASE_URL: api.url,
    ANTHROPIC_API_KEY: API_KEY,
    ...pick(process.env, 'REEVE_TEST_MARK'),
  };
  initRepository(repository, env);
  writeFileSync(join(root, 'mcp.json'), mcpConfig(mark));
  writeFileSync(join(configDir, '.claude.json'), answeredQuestions(repository));

  const options = [
    '--model',
    MODEL,
    '--dangerously-skip-permissions',
    '--mcp-config',
    join(root, 'mcp.json'),
    '--strict-mcp-config',
  ];
  const living = (): readonly LiveProcess[] => livingWithEnvironment(AGENT_MARK, mark);
  const close = async (): Promise<void> => {
    if (!open.delete(scratch)) return;
    const place = { cwd: root, env };
    if (existsSync(join(reeveHome, 'reeve.db'))) await reeve(place, 'stop', '--all', '--grace', '0');
    if (existsSync(join(reeveHome, 'daemon.pid'))) await reeve(place, 'down');
    const processes = createLinuxProcesses();
    const leftovers = living().map(({ pid, startTicks }) => ({ ...processes.table.realm, pid, startTicks }));
    await killVerified({ ...processes, clock: systemClock }, leftovers, { graceMs: 0 });
    await api.close();
    rmSync(root, { recursive: true, force: true });
  };
  const scratch: ClaudeScratch = {
    root,
    repository,
    configDir,
    reeveHome,
    api,
    mark,
    env,
    agentEnv: { ...env, [AGENT_MARK]: mark },
    markOptions: ['--env', `${AGENT_MARK}=${mark}`],
    claudeCommand: (prompt, ...args) => ['claude', '-p', prompt, ...options, ...args],
    interactiveCommand: ['claude', ...options],
    living,
    treeUp: () => awaitValue('the whole tree of the tool call', () => treeRoles(living(), mark)),
    close,
    [Symbol.asyncDispose]: close,
  };
  open.add(scratch);
  return scratch;
}

/** Each role's process; null while one of them is missing. */
function treeRoles(living: readonly LiveProcess[], mark: string): Readonly<Record<TreeRole, LiveProcess>> | null {
  const withArguments = (...args: readonly string[]): LiveProcess | undefined =>
    living.find(
      (process) =>
        args.every((arg, index) => process.argv.at(index - args.length) === arg) &&
        process.comm !== 'setsid' &&
        process.comm !== 'nohup',
    );
  const roles: Record<TreeRole, LiveProcess | undefined> = {
    'foreground sleep': withArguments('sleep', `302.${mark}`),
    'plain &': withArguments('sleep', `300.${mark}`),
    setsid: withArguments('sleep', `301.${mark}`),
    nohup: withArguments('sleep', `303.${mark}`),
    'polite MCP': withArguments('polite', mark),
    'stubborn MCP': withArguments('stubborn', mark),
  };
  return TREE_ROLES.every((role) => roles[role] !== undefined) ? (roles as Record<TreeRole, LiveProcess>) : null;
}

/** What Claude Code asks a person once: theme, trust in the folder, the use of the key (by its last 20 characters), the permissions. */
function answeredQuestions(repository: string): string {
  return JSON.stringify({
    theme: 'dark',
    hasCompletedOnboarding: true,
    bypassPermissionsModeAccepted: true,
    customApiKeyResponses: { approved: [API_KEY.slice(-20)], rejected: [] },
    projects: { [repository]: { hasTrustDialogAccepted: true } },
  });
}

function mcpConfig(mark: string): string {
  const server = (manners: string): unknown => ({
    type: 'stdio',
    command: process.execPath,
    args: [join(import.meta.dirname, 'mcp', 'server.ts'), manners, mark],
  });
  return JSON.stringify({ mcpServers: { polite: server('polite'), stubborn: server('stubborn') } });
}

function initRepository(folder: string, env: Readonly<Record<string, string>>): void {
  const git = (...args: readonly string[]): void => {
    execFileSync('git', ['-c', 'user.name=Scratch', '-c', 'user.email=scratch@localhost', ...args], {
      cwd: folder,
      env,
    });
  };
  git('init', '--quiet', '--initial-branch', 'feat/shed');
  git('commit', '--quiet', '--allow-empty', '--message', 'Begin');
}

function pick(env: NodeJS.ProcessEnv, name: string): Record<string, string> {
  const value = env[name];
  return value === undefined ? {} : { [name]: value };
}
