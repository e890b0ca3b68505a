import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** What {@link writeClaudeCorpus} wrote: the truth that a reader's totals are compared with. */
export interface CorpusFacts {
  readonly bytes: number;
  readonly files: number;
  readonly lines: number;
  readonly usageLines: number;
  readonly responses: number;
  readonly totalTokens: number;
  /** The file that was written last, for appending one more line. */
  readonly lastFile: string;
}

const MODELS = [
  'claude-opus-4-8',
  'claude-sonnet-4-5-20250929',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-6',
] as const;
const RESPONSES_PER_SESSION = 290;
const DAY_MS = 86_400_000;

/**
 * Writes Claude Code logs of the size and shape of a heavy user's quarter under `configDir/projects`: `responses` model answers in
 * about 1.64 lines each (one per content block), tool results that make up most of the bytes, some of them quoting usage-like
 * text, subagents in files of their own, and every twentieth session forked (all its lines copied under another session id).
 * The same seed gives the same bytes.
 */
export function writeClaudeCorpus(
  configDir: string,
  options: { readonly responses: number; readonly bytes: number; readonly seed?: number },
): CorpusFacts {
  const random = generator(options.seed ?? 1);
  const project = join(configDir, 'projects', '-home-dev-work-shop');
  const sessions = Math.ceil(options.responses / RESPONSES_PER_SESSION);
  const started = Date.UTC(2025, 5, 1);
  const fillerPerResponse = Math.max(0, Math.floor(options.bytes / options.responses) - 1.64 * 1700);
  const prose = words(random, 60_000);
  const facts = { bytes: 0, files: 0, lines: 0, usageLines: 0, responses: 0, totalTokens: 0, lastFile: '' };

  for (let session = 0; session < sessions; session++) {
    const sessionId = uuid(random);
    const folder = session % 3 === 0 ? `${project}-${session % 7}` : project;
    mkdirSync(folder, { recursive: true });
    const main: string[] = [];
    const side: string[] = [];
    let at = started + Math.floor((session / sessions) * 90 * DAY_MS);
    const count = Math.min(RESPONSES_PER_SESSION, options.responses - facts.responses);
    for (let turn = 0; turn < count; turn++) {
      at += 2000 + Math.floor(random() * 60_000);
      const subagent = session % 5 === 0 && turn % 4 === 0;
      const lines = response({
        random,
        prose,
        sessionId,
        at,
        subagent,
        model: MODELS[session % MODELS.length] ?? MODELS[0],
        facts,
      });
      (subagent ? side : main).push(
        ...lines,
        toolResult({
          random,
          prose,
          sessionId,
          at: at + 900,
          bytes: Math.floor(fillerPerResponse * (0.2 + 1.6 * random())),
        }),
      );
    }
    write(join(folder, `${sessionId}.jsonl`), main);
    if (side.length > 0) {
      const subagents = join(folder, sessionId, 'subagents');
      mkdirSync(subagents, { recursive: true });
      write(join(subagents, `agent-${sessionId.slice(0, 8)}.jsonl`), side);
    }
    if (session % 20 === 10) {
      const fork = uuid(random);
      write(
        join(folder, `${fork}.jsonl`),
        main.slice(0, 60).map((line) => line.replaceAll(sessionId, fork)),
      );
    }
  }
  return facts;

  function write(file: string, lines: readonly string[]): void {
    const handle = openSync(file, 'w', 0o600);
    const text = lines.map((line) => `${line}\n`).join('');
    facts.bytes += writeSync(handle, text);
    closeSync(handle);
    facts.files += 1;
    facts.lines += lines.length;
    facts.usageLines += lines.filter((line) => line.includes('"usage":{')).length;
    facts.lastFile = file;
  }
}

interface ResponseOptions {
  readonly random: () => number;
  readonly prose: string;
  readonly sessionId: string;
  readonly at: number;
  readonly subagent: boolean;
  readonly model: string;
  readonly facts: { responses: number; totalTokens: number };
}

/** One line per content block, the full usage on each, as Claude Code writes them. */
function response(options: ResponseOptions): string[] {
  const { random, prose, sessionId, at, subagent, facts } = options;
  const id = `msg_01${token(random, 22)}`;
  const requestId = `req_011${token(random, 21)}`;
  const hourWrites = random() < 0.3 ? Math.floor(random() * 2000) : 0;
  const shortWrites = Math.floor(random() * 4000);
  const usage = {
    input_tokens: Math.floor(random() * 40),
    cache_creation_input_tokens: hourWrites + shortWrites,
    cache_read_input_tokens: Math.floor(random() * 90_000),
    output_tokens: 1 + Math.floor(random() * 1500),
    server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
    service_tier: 'standard',
    cache_creation: { ephemeral_1h_input_tokens: hourWrites, ephemeral_5m_input_tokens: shortWrites },
    inference_geo: '',
    iterations: [],
    speed: 'standard',
  };
  facts.responses += 1;
  facts.totalTokens +=
    usage.input_tokens + usage.cache_creation_input_tokens + usage.cache_read_input_tokens + usage.output_tokens;
  const blocks: unknown[] = [];
  if (random() < 0.36)
    blocks.push({ type: 'thinking', thinking: slice(random, prose, 500), signature: token(random, 300) });
  if (random() < 0.28) blocks.push({ type: 'text', text: slice(random, prose, 700) });
  blocks.push({
    type: 'tool_use',
    id: `toolu_01${token(random, 22)}`,
    name: 'Edit',
    input: {
      file_path: '/home/dev/work/shop/a.ts',
      old_string: slice(random, prose, 300),
      new_string: 'const x = {"usage":{"input_tokens":7}};\n',
    },
  });
  return blocks.map((block, index) =>
    JSON.stringify({
      parentUuid: uuid(random),
      isSidechain: subagent,
      ...(subagent ? { agentId: sessionId.slice(0, 8) } : {}),
      message: {
        id,
        type: 'message',
        role: 'assistant',
        model: options.model,
        content: [block],
        stop_reason: 'tool_use',
        stop_sequence: null,
        usage,
        stop_details: null,
      },
      requestId,
      type: 'assistant',
      uuid: uuid(random),
      timestamp: new Date(at + index * 3).toISOString(),
      userType: 'external',
      entrypoint: 'cli',
      cwd: '/home/dev/work/shop',
      sessionId,
      version: '2.1.197',
      gitBranch: 'feat/basket',
    }),
  );
}

function toolResult(options: {
  readonly random: () => number;
  readonly prose: string;
  readonly sessionId: string;
  readonly at: number;
  readonly bytes: number;
}): string {
  const { random, prose, sessionId, at, bytes } = options;
  const output =
    slice(random, prose, bytes / 2) + (random() < 0.05 ? '{"usage":{"input_tokens":99999999,"output_tokens":1}}' : '');
  return JSON.stringify({
    parentUuid: uuid(random),
    isSidechain: false,
    type: 'user',
    message: {
      role: 'user',
      content: [{ tool_use_id: `toolu_01${token(random, 22)}`, type: 'tool_result', content: output, is_error: false }],
    },
    uuid: uuid(random),
    timestamp: new Date(at).toISOString(),
    toolUseResult: { stdout: output, stderr: '', interrupted: false },
    userType: 'external',
    entrypoint: 'cli',
    cwd: '/home/dev/work/shop',
    sessionId,
    version: '2.1.197',
    gitBranch: 'feat/basket',
  });
}

/** A small seeded generator (mulberry32), so that every machine measures the same bytes. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const ALPHABET = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789';

function token(random: () => number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index++) text += ALPHABET[Math.floor(random() * ALPHABET.length)];
  return text;
}

function uuid(random: () => number): string {
  const hex = Array.from({ length: 32 }, () => Math.floor(random() * 16).toString(16)).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function words(random: () => number, count: number): string {
  const list: string[] = [];
  for (let index = 0; index < count; index++) {
    const word = token(random, 2 + Math.floor(random() * 8)).toLowerCase();
    const roll = random();
    list.push(roll < 0.04 ? `"${word}"` : roll < 0.12 ? `${word}\n` : roll < 0.13 ? `${word}é` : word);
  }
  return list.join(' ');
}

function slice(random: () => number, prose: string, length: number): string {
  const size = Math.min(Math.floor(length), prose.length - 1);
  const from = Math.floor(random() * (prose.length - size));
  return prose.slice(from, from + size);
}
