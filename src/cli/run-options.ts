import { isAbsolute, resolve } from 'node:path';
import type { Command } from 'commander';
import { ReeveError } from '../errors.ts';
import { parseTokens, parseUsd } from '../limits/amount.ts';
import { parseDuration } from '../limits/duration.ts';
import { agentKindOf } from '../processes/kinds.ts';
import { NO_OWNER, SOURCES, type Owner, type Source } from '../runs/record.ts';
import type { ClaimWish, RunRequest } from '../shim/request.ts';
import { parseGraceMs } from './grace.ts';
import { RESTART_WORDS, toRestartPolicy } from './restart-options.ts';
import type { CliIo } from './io.ts';

/** What commander makes of the options that `run` and `start` share. */
export interface RunOptions {
  readonly name?: string;
  readonly label: readonly string[];
  readonly session?: string;
  readonly turn?: string;
  readonly toolCall?: string;
  readonly source?: string;
  readonly owner: readonly string[];
  readonly cwd?: string;
  readonly env: readonly string[];
  readonly report?: string;
  readonly maxUsd?: string;
  readonly maxTokens?: string;
  readonly maxMinutes?: string;
  readonly grace: string;
  readonly keepBackground?: boolean;
  readonly worktree?: string;
  readonly shared?: boolean;
  readonly wait?: string;
  readonly restart: string;
  readonly restartDelay?: string;
  readonly restartLimit?: string;
  readonly stdin?: boolean;
  readonly json?: boolean;
}

const DEFAULT_SOURCE: Source = 'subprocess';
const DEFAULT_GRACE = '10s';
const DEFAULT_RESTART = 'no';

/** Launchers of agents, and of anything else that works for nobody but its user. */
const CLAIMING_SOURCES: readonly Source[] = ['acp_agent', 'subprocess'];

/** The ids of an owner by the words they have on the command line. */
const OWNER_KEYS: Readonly<Record<string, keyof Owner>> = {
  session: 'sessionId',
  turn: 'turnId',
  'tool-call': 'toolCallId',
  terminal: 'terminalId',
  extension: 'extensionName',
  hook: 'hookName',
  sandbox: 'sandboxId',
};

/** The options of a run for which none was typed. */
export function defaultRunOptions(): RunOptions {
  return { label: [], owner: [], env: [], grace: DEFAULT_GRACE, restart: DEFAULT_RESTART };
}

/** Declares the options that `run` and `start` share, and the command after `--`. */
export function defineRunOptions(command: Command): Command {
  const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];
  return command
    .usage('[options] -- <command> [args...]')
    .argument('<command>', 'the command to run; put -- before it')
    .argument('[args...]')
    .option('--name <name>', 'name to find the run by; unique among active runs')
    .option('--label <key=value>', 'label for limits and scopes (repeatable)', collect, [])
    .option('--session <id>', 'session that owns the run')
    .option('--turn <id>', 'turn that owns the run')
    .option('--tool-call <id>', 'tool call that owns the run')
    .option('--source <source>', `kind of launcher: ${SOURCES.join(', ')}`, DEFAULT_SOURCE)
    .option('--owner <key=value>', `further owner ids: ${Object.keys(OWNER_KEYS).join(', ')} (repeatable)`, collect, [])
    .option('--cwd <folder>', 'folder to run in')
    .option('--env <key=value>', 'variable to add to the environment (repeatable)', collect, [])
    .option('--report <file>', 'write how the run ended there, as JSON')
    .option('--max-usd <amount>', 'stop the run when it has spent more, in dollars')
    .option('--max-tokens <count>', 'stop the run when it has used more tokens, such as 200k')
    .option('--max-minutes <minutes>', 'stop the run when it has lasted that long')
    .option('--grace <time>', 'time between TERM and KILL, such as 500ms or 0', DEFAULT_GRACE)
    .option('--restart <when>', `start the command again: ${RESTART_WORDS.join(', ')}`, DEFAULT_RESTART)
    .option('--restart-delay <time>', 'pause before the first restart, doubled by each further one (default: 1s)')
    .option('--restart-limit <count>', 'give up after so many quick failures in a row (default: 8)')
    .option(
      '--worktree <name>',
      "run in the repository's worktree of that name, made with its branch where there is none",
    )
    .option('--shared', 'do not claim the worktree: work in it beside whoever else does')
    .option('--wait <time>', 'queue for a worktree that is claimed, such as 5m; without it the run is refused')
    .option('--keep-background', 'leave what the command starts in the background running, still watched');
}

/**
 * Checks what was typed and makes a request of it; whether command and folder exist shows when it is started.
 * @throws USAGE naming the option
 */
export function toRunRequest(
  words: { readonly command: string; readonly args: readonly string[] },
  options: RunOptions,
  { io, startedByPid }: { readonly io: CliIo; readonly startedByPid: number },
): RunRequest {
  if (words.command === '') throw refused('the command', '', 'name the command to run after --');
  const cwd = absolute(io, '--cwd', options.cwd ?? '.');
  return {
    ...words,
    cwd,
    // As a shell does on `cd`: many programs believe PWD.
    env: { ...(options.cwd === undefined ? {} : { PWD: cwd }), ...pairs('--env', options.env) },
    name: options.name === undefined ? null : named('--name', options.name),
    labels: pairs('--label', options.label),
    source: sourceOf(options.source ?? DEFAULT_SOURCE),
    owner: ownerOf(options),
    caps: {
      maxCostMicroUsd: cap('--max-usd', options.maxUsd, parseUsd, 'an amount in dollars above 0, such as 0.50'),
      maxTokens: cap(
        '--max-tokens',
        options.maxTokens,
        parseTokens,
        'a number of tokens above 0, such as 200000 or 200k',
      ),
      maxMs: cap('--max-minutes', options.maxMinutes, parseMinutes, 'a number of minutes above 0, such as 30 or 0.5'),
    },
    claim: claimOf(options),
    graceMs: parseGraceMs(options.grace),
    keepBackground: options.keepBackground === true,
    restart: toRestartPolicy(options),
    // Agents read their input to its end before they begin, so one that stays open would stop them from starting at all.
    keepStdin: options.stdin ?? agentKindOf([words.command, ...words.args]) === null,
    startedByPid,
    reportFile: options.report === undefined ? null : absolute(io, '--report', options.report),
  };
}

/**
 * An agent claims the worktree that it works in. What works for an agent does not: a tool call, and the terminals, hooks and extensions of a
 * client, run beside the agent whose claim it is, and would be refused by it.
 */
function claimOf({ shared, wait, source, toolCall, owner }: RunOptions): ClaimWish | null {
  if (shared === true) {
    if (wait !== undefined) throw refused('--wait', wait, 'a run that shares its worktree waits for nobody');
    return null;
  }
  if (wait !== undefined) return { waitMs: parseWaitMs(wait) };
  const isTool = toolCall !== undefined || owner.some((word) => word.startsWith('tool-call='));
  return isTool || !CLAIMING_SOURCES.includes(sourceOf(source ?? DEFAULT_SOURCE)) ? null : { waitMs: 0 };
}

/** `--wait 5m` → milliseconds. @throws USAGE */
export function parseWaitMs(text: string): number {
  const waitMs = parseDuration(text);
  if (waitMs === null) throw refused('--wait', text, 'give a time such as 30s or 5m');
  return waitMs;
}

/** An absolute path needs no working folder, which may be gone. */
function absolute(io: CliIo, option: string, path: string): string {
  if (path === '') throw refused(option, path, 'leave it out instead');
  return isAbsolute(path) ? resolve(path) : resolve(io.cwd, path);
}

/** `--source`. @throws USAGE */
export function sourceOf(text: string): Source {
  const source = SOURCES.find((known) => known === text);
  if (source === undefined) throw refused('--source', text, `it is one of ${SOURCES.join(', ')}`);
  return source;
}

/** The owner ids of all options that say one. @throws USAGE */
export function ownerOf({
  session,
  turn,
  toolCall,
  owner,
}: Pick<RunOptions, 'session' | 'turn' | 'toolCall' | 'owner'>): Owner {
  const ids: Record<keyof Owner, string | null> = {
    ...NO_OWNER,
    sessionId: session === undefined ? null : named('--session', session),
    turnId: turn === undefined ? null : named('--turn', turn),
    toolCallId: toolCall === undefined ? null : named('--tool-call', toolCall),
  };
  for (const [word, value] of Object.entries(pairs('--owner', owner))) {
    const key = Object.hasOwn(OWNER_KEYS, word) ? OWNER_KEYS[word] : undefined;
    if (key === undefined) throw refused('--owner', word, `its keys are ${Object.keys(OWNER_KEYS).join(', ')}`);
    ids[key] = named('--owner', value);
  }
  return ids;
}

/** `key=value` words; the value may hold further equal signs and be empty. */
export function pairs(option: string, words: readonly string[]): Readonly<Record<string, string>> {
  const found = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    const key = word.slice(0, Math.max(at, 0)).trim();
    if (key === '') throw refused(option, word, 'give it as key=value');
    if (found.has(key)) throw refused(option, word, `${key} is given twice`);
    found.set(key, word.slice(at + 1));
  }
  // Not by assignment, to which `__proto__` is no key like others.
  return Object.fromEntries(found);
}

/** A name or an id as it was typed: a blank one, of a variable that is not set say, names nothing. @throws USAGE naming the option */
export function named(option: string, text: string): string {
  if (text.trim() === '') throw refused(option, text, 'leave it out instead');
  return text.trim();
}

function cap(
  option: string,
  text: string | undefined,
  parse: (text: string) => number | null,
  wanted: string,
): number | null {
  if (text === undefined) return null;
  const value = parse(text);
  if (value === null || value <= 0) throw refused(option, text, `give ${wanted}`);
  return value;
}

/** Minutes as decimal text → milliseconds, at most what a timer of Node can hold. */
function parseMinutes(text: string): number | null {
  return /^\d+(\.\d+)?$/.test(text.trim()) ? parseDuration(`${text.trim()}m`) : null;
}

function refused(what: string, value: string, hint: string): ReeveError {
  return new ReeveError('USAGE', `${what} cannot be "${value}"`, { hint, where: what });
}
