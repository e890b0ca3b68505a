import { ReeveError } from '../errors.ts';

/** A place in a file, as editors count: the first line and the first column are 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a config, and what to do about it. */
export interface ConfigProblem extends Position {
  /** Where in the structure: `limit[0].usd`; empty for the file as a whole. */
  readonly key: string;
  /** What is wrong: `usd must be a number of dollars, not "20"`. */
  readonly message: string;
  /** What to write instead. */
  readonly suggestion: string | null;
}

/** `limit[0].usd` for `['limit', 0, 'usd']`. */
export function formatKey(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    const name = /^[\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part));
    return text === '' ? name : `${text}.${name}`;
  }, '');
}

/** `config.toml:4:7: usd must be …; write it without quotes`. */
export function formatProblem(file: string, problem: ConfigProblem): string {
  const suggestion = problem.suggestion === null ? '' : `; ${problem.suggestion}`;
  return `${file}:${problem.line}:${problem.column}: ${problem.message}${suggestion}`;
}

/** All problems of a file as the one error that is thrown. */
export function configInvalid(file: string, problems: readonly [ConfigProblem, ...ConfigProblem[]]): ReeveError {
  const [first] = problems;
  const lines = problems.map((problem) => formatProblem(file, problem));
  const message = problems.length === 1 ? `the config has a problem` : `the config has ${problems.length} problems`;
  return new ReeveError('CONFIG_INVALID', `${message}\n  ${lines.join('\n  ')}`, {
    where: `${file}:${first.line}:${first.column}`,
    hint: 'correct the file, then `reeve config check`; `reeve config schema` prints what it may hold',
  });
}
