import { z } from 'zod';
import { MAX_USD, parseTokens } from '../limits/amount.ts';
import { parseDuration } from '../limits/duration.ts';
import { globProblem, projectGlobProblem } from '../limits/glob.ts';
import { ACTIONS, COUNTER_KEYS, PERIODS } from '../limits/limit.ts';
import { AGENT_KINDS } from '../processes/kinds.ts';
import { isZone } from './zone.ts';

/** Per schema of a value: what it must be, as the end of the sentence "usd must be …". */
const expectations = z.registry<{ readonly expects: string }>();

/** Longest grace: an agent that has not ended within an hour is not going to, and timers end at 24 days. */
const MAX_GRACE_MS = 3_600_000;

/** Longest cap on a run's life in minutes: a year. */
const MAX_MINUTES = 366 * 24 * 60;

function described<Schema extends z.ZodType>(schema: Schema, expects: string, about: string): Schema {
  const made = schema.describe(about);
  expectations.add(made, { expects });
  return made;
}

function choice<const Values extends readonly [string, ...string[]]>(
  values: Values,
  about: string,
): z.ZodEnum<z.core.util.ToEnum<Values[number]>> {
  return described(z.enum(values), `one of ${values.map((value) => `"${value}"`).join(', ')}`, about);
}

function glob(about: string, problemOf = globProblem): z.ZodType<string, string> {
  const schema = z.string().superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== null) context.addIssue({ code: 'custom', params: { says: problem } });
  });
  return described(schema, 'a glob, like "*" or "feature/**"', about);
}

const name = described(
  // A leading dash would read like a run's own cap, which is shown as its option: --max-usd.
  z.string().regex(/^[^\s\p{Cc}-](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u),
  'a name of one line, without blanks around it and without a dash in front',
  'Makes messages readable; unique among the limits.',
);

const usd = described(
  z.number().min(0).max(MAX_USD).refine(isWholeMicroUsd),
  'a number of dollars from 0 to 1,000,000,000 with at most six decimals, like 20.0',
  'Cap in US dollars. Spend exactly at the cap is within it.',
);

const tokens = described(
  z.union([z.int().min(0), z.string().refine((text) => parseTokens(text) !== null)]),
  'a whole number of tokens from 0 on, like 200_000 or "200k"',
  'Cap in tokens of every kind: input, output, cache writes and cache reads.',
);

const minutes = described(
  z.number().positive().max(MAX_MINUTES),
  'a number of minutes above 0, at most 527,040 (a year)',
  'Cap on the wall-clock life of a run; only with period = "run".',
);

const warnStep = described(z.number().gt(0).lt(1), 'a fraction between 0 and 1, like 0.8', 'Fraction of a cap.');

const grace = described(
  z.string().refine((text) => (parseDuration(text) ?? Infinity) <= MAX_GRACE_MS),
  'a duration of at most an hour, like "10s" or "2m"',
  'Time between the request to end and the kill.',
);

const limit = z.strictObject({
  name,
  project: glob(
    "Glob over the project's path or its last part. ** crosses slashes, * does not; a bare * matches all.",
    projectGlobProblem,
  ).default('*'),
  branch: glob('Glob over the branch. A detached HEAD is matched by a bare * only.').default('*'),
  agent: glob('Glob over the kind of agent: claude.').default('*'),
  run: glob("Glob over the run's name. Runs without a name are matched by a bare * only.").default('*'),
  labels: described(
    z.record(z.string(), described(z.string(), 'a text', 'Value of the label.')),
    'a table of texts, like { team = "core" }',
    'Labels that the run must carry, all of them.',
  ).default({}),
  period: choice(PERIODS, 'When the counter starts anew.'),
  per: choice(
    COUNTER_KEYS,
    'What one counter covers. Not with the periods run and session. Default: project.',
  ).optional(),
  usd: usd.optional(),
  tokens: tokens.optional(),
  minutes: minutes.optional(),
  warn_at: described(
    z.array(warnStep),
    'a list of fractions, like [0.5, 0.8]',
    'One notice per step and period.',
  ).default([]),
  action: choice(ACTIONS, 'warn: notice only; refuse: no new run starts; stop: verified kill and lockout.').default(
    'stop',
  ),
  grace: grace.default('10s'),
});

const unsupervised = choice(
  ['ignore', 'warn', 'stop'],
  'What happens about agents that reeve did not start. stop: where a lockout forbids them, they are stopped.',
).default('warn');

const claude = z.strictObject({
  logs: described(
    z
      .array(described(z.string().regex(/^(?:\/|~\/|~$)/), 'an absolute path, or one that begins with ~/', 'Folder.'))
      .min(1),
    'a list of folders, like ["~/.claude"]',
    "Where the agent keeps its logs. Default: the agent's own places, CLAUDE_CONFIG_DIR respected.",
  ).optional(),
  unsupervised,
});

/** Agents whose logs are not read yet: only what concerns their processes can be said. */
const otherAgents = Object.fromEntries(
  AGENT_KINDS.filter((kind) => kind !== 'claude').map((kind) => [
    kind,
    described(z.strictObject({ unsupervised }), `a table, under [agents.${kind}]`, `The agent ${kind}.`).prefault({}),
  ]),
);

/** The config file: what `reeve config schema` prints, and what `checkConfig` accepts. */
export const configSchema = z
  .strictObject({
    timezone: described(
      z.string().refine((zone) => zone === 'system' || isZone(zone)),
      '"system" or the IANA name of a time zone, like "Europe/Berlin"',
      'Where periods begin at local midnight.',
    ).default('system'),
    week_start: choice(
      ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'],
      'First day of a weekly period.',
    ).default('monday'),
    limit: described(
      z.array(described(limit, 'a table', 'One limit. Every limit that matches applies.')),
      'a list of tables, each under [[limit]]',
      'The limits.',
    ).default([]),
    prices: table(
      {
        unknown_model: choice(
          ['highest', 'refuse', 'tokens-only'],
          'What usage of a model without a known price costs.',
        ).default('highest'),
      },
      'Prices.',
    ),
    agents: table(
      { claude: described(claude, 'a table, under [agents.claude]', 'Claude Code.').prefault({}), ...otherAgents },
      'Agents by kind.',
    ),
    daemon: table(
      {
        lost: choice(['stop', 'warn'], 'What happens to limited runs while nobody can enforce their limits.').default(
          'stop',
        ),
        orphaned: choice(
          ['warn', 'stop'],
          'What happens to the rest of a run whose shim or command was killed: it is reported, or ended.',
        ).default('warn'),
      },
      'The daemon.',
    ),
  })
  .describe('Configuration of reeve');

export type ConfigInput = z.output<typeof configSchema>;

function table<Shape extends z.ZodRawShape>(
  shape: Shape,
  about: string,
): z.ZodPrefault<z.ZodObject<Shape, z.core.$strict>> {
  return described(z.strictObject(shape), 'a table', about).prefault({} as z.input<z.ZodObject<Shape, z.core.$strict>>);
}

/** The JSON Schema (draft 2020-12) of the file, for editors. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, { io: 'input' });
}

/** The schema of the value at a path, without its defaults; null where the file may hold nothing. */
export function schemaAt(path: readonly PropertyKey[]): z.ZodType | null {
  let schema: z.ZodType | null = configSchema;
  for (const part of path) schema = schema === null ? null : childOf(bare(schema), part);
  return schema === null ? null : bare(schema);
}

/** What the value at a path must be: the end of a sentence. */
export function expectationAt(path: readonly PropertyKey[]): string | null {
  const schema = schemaAt(path);
  return schema === null ? null : (expectations.get(schema)?.expects ?? null);
}

/** The keys that the table at a path may hold, or the words that the value may be. */
export function choicesAt(path: readonly PropertyKey[]): readonly string[] {
  const schema = schemaAt(path);
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape);
  return schema instanceof z.ZodEnum ? schema.options.map(String) : [];
}

function childOf(schema: z.ZodType, part: PropertyKey): z.ZodType | null {
  if (schema instanceof z.ZodObject) return (schema.shape as Record<PropertyKey, z.ZodType>)[part] ?? null;
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  return schema instanceof z.ZodRecord ? (schema.valueType as z.ZodType) : null;
}

function bare(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** Up to a billion dollars, the shortest decimal text of a float is the text that was written: at most 16 digits. */
function isWholeMicroUsd(dollars: number): boolean {
  return !String(dollars).includes('e') && (String(dollars).split('.')[1]?.length ?? 0) <= 6;
}
