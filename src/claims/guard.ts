/**
 * The guard of a claim where a kernel's file locks do not reach everybody: a name in the claim's folder, which only one can make. Every
 * step is atomic on any file system, a network's included, and `guard.test.ts` walks every order of them, with a death before each.
 *
 *   make the name ──made──► ours
 *        └──it is there──► its owner is dead for certain? ──no──► busy
 *                              └──yes──► make its breaking name ──made──► remove it, if it is still that one ──► try again
 *
 * Whoever is not proven dead keeps it. A name that a dead owner left is removed by one alone: by whoever made the name that is called after
 * that very owner. Without that, two would find it, and the slower one would remove what the faster has made since.
 */
export type GuardStep =
  /** Makes a name that says a text; gives true, or false when it is there. */
  | { readonly act: 'make'; readonly name: string; readonly text: string }
  /** Gives what a name says; null when it is not there. */
  | { readonly act: 'read'; readonly name: string }
  | { readonly act: 'remove'; readonly name: string };

export type GuardResult = boolean | string | null | undefined;
type Steps<T> = Generator<GuardStep, T, GuardResult>;

/** Who takes a guard; its text is unlike any other that was ever made. */
export interface GuardOwner {
  readonly text: string;
  /** Whether the owner that a text names is dead for certain, and by what name it is told from all others; null in any doubt. */
  readonly deadOwner: (text: string) => string | null;
}

export type GuardAttempt =
  | { readonly kind: 'taken' }
  /** `owner`: what its name says; null when it was removed just now. */
  | { readonly kind: 'busy'; readonly owner: string | null };

/** One attempt to take a guard. */
export function* attemptGuard(name: string, { text, deadOwner }: GuardOwner): Steps<GuardAttempt> {
  if ((yield { act: 'make', name, text }) === true) return { kind: 'taken' };
  const owner = yield { act: 'read', name };
  // Made, and the answer was lost on the way.
  if (owner === text) return { kind: 'taken' };
  if (typeof owner !== 'string') return { kind: 'busy', owner: null };
  yield* removeDead(name, owner, { text, deadOwner });
  return { kind: 'busy', owner };
}

/** Gives a guard back, unless somebody broke it. */
export function* leaveGuard(name: string, text: string): Steps<void> {
  if ((yield { act: 'read', name }) === text) yield { act: 'remove', name };
}

/** Removes a name that a dead process left, if nobody else is about to. One who died over it is stood in for in the same way. */
function* removeDead(name: string, owner: string, us: GuardOwner): Steps<void> {
  const dead = us.deadOwner(owner);
  if (dead === null) return;
  const breaking = `${name}-${dead}`;
  if ((yield { act: 'make', name: breaking, text: us.text }) === true) {
    if ((yield { act: 'read', name }) === owner) yield { act: 'remove', name };
    yield { act: 'remove', name: breaking };
    return;
  }
  const breaker = yield { act: 'read', name: breaking };
  if (typeof breaker === 'string' && breaker !== us.text) yield* removeDead(breaking, breaker, us);
}
