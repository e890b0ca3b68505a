/** How one kind of agent shows itself. */
interface AgentKind {
  readonly kind: string;
  /** Names of its executables, without folder and `.exe`. */
  readonly executables: readonly string[];
  /** npm packages whose scripts are the agent when an interpreter or a package runner runs them. */
  readonly packages: readonly string[];
}

const KINDS: readonly AgentKind[] = [
  { kind: 'claude', executables: ['claude'], packages: ['@anthropic-ai/claude-code'] },
  { kind: 'codex', executables: ['codex'], packages: ['@openai/codex'] },
  { kind: 'gemini', executables: ['gemini'], packages: ['@google/gemini-cli'] },
  { kind: 'opencode', executables: ['opencode'], packages: ['opencode-ai'] },
  { kind: 'qwen', executables: ['qwen'], packages: ['@qwen-code/qwen-code'] },
  { kind: 'copilot', executables: ['copilot'], packages: ['@github/copilot'] },
  { kind: 'cursor', executables: ['cursor-agent'], packages: [] },
  { kind: 'aider', executables: ['aider'], packages: [] },
];

/** Programs that run the script named by their first argument that is no option. */
const INTERPRETERS: ReadonlySet<string> = new Set(['node', 'nodejs', 'bun', 'deno']);
const PYTHON = /^python[\d.]*$/u;
/** Programs that fetch and run the package named by that argument. */
const RUNNERS: ReadonlySet<string> = new Set(['npx', 'bunx', 'pnpx', 'uvx']);

/** The agent kinds that reeve can name. */
export const AGENT_KINDS: readonly string[] = KINDS.map(({ kind }) => kind);

/**
 * The kind of agent that a command line is (`claude`, `codex`, `gemini`, `opencode` …), or null. Only the program itself counts: an
 * editor, a shell or a script with an agent's name or path among its arguments is none.
 *
 * @param argv as in /proc/pid/cmdline, the program first
 * @param exe path of the executable, where known: argv[0] is whatever the starter chose to say
 */
export function agentKindOf(argv: readonly string[], exe: string | null = null): string | null {
  const [program = '', ...rest] = argv;
  const names = [programName(program), ...(exe === null ? [] : [programName(exe)])];
  const direct = KINDS.find(({ executables }) => names.some((name) => executables.includes(name)));
  if (direct !== undefined) return direct.kind;
  const argument = firstArgument(rest);
  if (argument === undefined) return null;
  if (names.some((name) => INTERPRETERS.has(name) || PYTHON.test(name))) return kindOfScript(argument);
  if (names.some((name) => RUNNERS.has(name))) return kindOfPackage(argument);
  return null;
}

/** Options of interpreters whose value is a word of its own, and no script. */
const VALUED: ReadonlySet<string> = new Set(['-r', '--require', '--import', '--loader', '-C', '--conditions', '-W']);
/** Options after which there is no script. */
const INLINE: ReadonlySet<string> = new Set(['-e', '--eval', '-p', '--print', '-pe', '-c']);

function firstArgument(words: readonly string[]): string | undefined {
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (INLINE.has(word)) return undefined;
    if (VALUED.has(word)) index += 1;
    else if (!word.startsWith('-')) return word;
  }
  return undefined;
}

function programName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.exe$/u, '');
}

/** `…/bin/codex`, `…/node_modules/@google/gemini-cli/bundle/gemini.js` */
function kindOfScript(path: string): string | null {
  const name = programName(path).replace(/\.[cm]?js$/u, '');
  const found = KINDS.find(
    ({ executables, packages }) =>
      executables.includes(name) || packages.some((each) => path.includes(`/node_modules/${each}/`)),
  );
  return found?.kind ?? null;
}

/** `@openai/codex@0.169.0`, `opencode-ai`, `claude` */
function kindOfPackage(specifier: string): string | null {
  const version = specifier.indexOf('@', 1);
  const name = version < 0 ? specifier : specifier.slice(0, version);
  const found = KINDS.find(({ executables, packages }) => packages.includes(name) || executables.includes(name));
  return found?.kind ?? null;
}
