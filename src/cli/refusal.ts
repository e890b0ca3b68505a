import { ReeveError } from '../errors.ts';
import { systemError } from '../system-error.ts';

/** Of several targets, one that a command could not act on. */
export interface Refusal {
  /** What it is called on the screen. */
  readonly name: string;
  readonly error: ReeveError;
}

/** Acts on one of several targets, so that its error takes nobody the answer for the others. @throws what is a bug */
export async function attempt<T>(name: string, act: () => Promise<T>): Promise<{ readonly done: T } | Refusal> {
  try {
    return { done: await act() };
  } catch (thrown) {
    const error = thrown instanceof ReeveError ? thrown : systemError(thrown);
    if (error === null) throw thrown;
    return { name, error };
  }
}

export function splitAttempts<T>(attempts: readonly ({ readonly done: T } | Refusal)[]): {
  readonly done: readonly T[];
  readonly refused: readonly Refusal[];
} {
  return {
    done: attempts.flatMap((one) => ('done' in one ? [one.done] : [])),
    refused: attempts.flatMap((one) => ('done' in one ? [] : [one])),
  };
}

/**
 * What to end with; null when nothing was refused. Where the refusals mean different exit codes none of them speaks for all: it was tried and not
 * achieved, each with its own code in the message.
 * @param done what was asked for: `stopped`
 */
export function refusalError(refused: readonly Refusal[], done: string): ReeveError | null {
  const [first] = refused;
  if (first === undefined || refused.length === 1) return first?.error ?? null;
  const isOfOneKind = refused.every(({ error }) => error.code === first.error.code);
  const endsAlike = refused.every(({ error }) => error.exitCode === first.error.exitCode);
  const each = refused.map(({ name, error }) => `${name}: ${error.message}${isOfOneKind ? '' : ` [${error.code}]`}`);
  const hints = new Set(refused.flatMap(({ error }) => error.hint ?? []));
  return new ReeveError(
    endsAlike ? first.error.code : 'TARGETS_REFUSED',
    `${refused.length} were not ${done}: ${each.join('; ')}`,
    { ...(hints.size > 0 && { hint: [...hints].join('; ') }), cause: first.error },
  );
}
