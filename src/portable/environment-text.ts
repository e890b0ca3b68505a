import type { EnvironmentValue } from '../processes/ports.ts';

/** The columns of {@link parseArguments}, in order. */
export const ARGUMENT_COLUMNS = ['pid', 'stat', 'args'] as const;

/** One process as `ps` shows its arguments, with or without the environment behind them. */
export interface ArgumentLine {
  /** True for a process that has the CPU or waits for a device: it may just be executing another program. */
  readonly isBusy: boolean;
  readonly text: string;
}

const LINE = /^\s*(\d+)\s+(\S+)(?:\s(.*))?$/u;
const NEXT_VARIABLE = / [A-Za-z_][A-Za-z0-9_]*=/u;
/** `ps` puts this for a character that it does not show. */
const HIDDEN = '?';

/** By PID; the dead have no arguments any more. */
export function parseArguments(text: string): ReadonlyMap<number, ArgumentLine> {
  const lines = new Map<number, ArgumentLine>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, pid, stat = '', args = ''] = match;
    if (stat.startsWith('Z')) continue;
    lines.set(Number(pid), {
      isBusy: stat.startsWith('R') || stat.startsWith('D') || stat.startsWith('U'),
      text: args,
    });
  }
  return lines;
}

/** What two looks at one process say: the arguments, and the arguments with the environment behind them. */
export interface EnvironmentLook {
  readonly args: string;
  readonly withEnvironment: string;
}

/**
 * One variable in `ps`'s rendering of an environment, whose variables are joined by blanks. A value ends where the next variable begins.
 * Unreadable, rather than guessed, is what could be two variables, what holds characters that `ps` does not show, and an environment of
 * which nothing is shown: `ps` does not say whether there is none, or none for the eyes of this user.
 */
export function findVariable({ args, withEnvironment }: EnvironmentLook, name: string): EnvironmentValue {
  const assignment = ` ${name}=`;
  if (isShown({ args, withEnvironment })) return findIn(withEnvironment.slice(args.length), assignment);
  // It has executed another program between the two looks. What neither program had among its arguments was in the environment.
  if (` ${args}`.includes(assignment) || !withEnvironment.includes(assignment)) return { kind: 'unreadable' };
  return findIn(withEnvironment, assignment);
}

/** True when both looks were at the same program, and something stands behind its arguments. */
function isShown({ args, withEnvironment }: EnvironmentLook): boolean {
  return withEnvironment.startsWith(`${args} `) && withEnvironment.slice(args.length).trim() !== '';
}

function findIn(environment: string, assignment: string): EnvironmentValue {
  const at = environment.indexOf(assignment);
  if (at < 0) return { kind: 'absent' };
  if (environment.includes(assignment, at + 1)) return { kind: 'unreadable' };
  const rest = environment.slice(at + assignment.length);
  const value = rest.slice(0, NEXT_VARIABLE.exec(rest)?.index ?? rest.length);
  return value.includes(HIDDEN) ? { kind: 'unreadable' } : { kind: 'value', value };
}
