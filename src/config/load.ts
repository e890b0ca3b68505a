import type { Config } from './config.ts';
import { toConfig } from './convert.ts';
import { explainIssue } from './explain.ts';
import { configInvalid } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import { brokenRules } from './rules.ts';
import { configSchema } from './schema.ts';
import { readToml } from './toml.ts';

export type ConfigCheck =
  | { readonly valid: true; readonly config: Config }
  | { readonly valid: false; readonly problems: readonly [ConfigProblem, ...ConfigProblem[]] };

/** Reads a config's text and says everything that is wrong with it at once, in the order of the file. */
export function checkConfig(text: string, file: string | null): ConfigCheck {
  const document = readToml(text);
  if (!document.complete) return verdict(document.problems);
  const parsed = configSchema.safeParse(document.value);
  const issues = parsed.success ? [] : parsed.error.issues.flatMap((issue) => explainIssue(issue, document));
  const problems = [...document.problems, ...issues, ...brokenRules(document)];
  if (parsed.success && problems.length === 0) return { valid: true, config: toConfig(parsed.data, file) };
  return verdict(problems);
}

/**
 * The config in a text.
 * @throws CONFIG_INVALID with every problem as `file:line:column`
 */
export function parseConfig(text: string, file: string): Config {
  const check = checkConfig(text, file);
  if (check.valid) return check.config;
  throw configInvalid(file, check.problems);
}

/** What is in force without a file: no limits. */
export function defaultConfig(): Config {
  return toConfig(configSchema.parse({}), null);
}

function verdict(problems: readonly ConfigProblem[]): ConfigCheck {
  const ordered = firstOfEachKey(problems).toSorted((a, b) => a.line - b.line || a.column - b.column);
  return { valid: false, problems: ordered as [ConfigProblem, ...ConfigProblem[]] };
}

/** A value that breaks two rules of the same kind is told once: the sentence names all that it must be. */
function firstOfEachKey(problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ line, column, message }) => {
    const key = `${line}:${column}:${message}`;
    return !seen.has(key) && seen.add(key);
  });
}
