/**
 * What can be seen from here of a holder's tree. Only `empty` is proof; what cannot be seen is never taken for gone.
 */
export type Sight =
  /** `holderAlive` false: the shim, or the process that took the claim, is dead, and others of its tree live. */
  | { readonly tree: 'alive'; readonly holderAlive: boolean; readonly why: string }
  | { readonly tree: 'empty'; readonly why: string }
  /** Another host's, another PID namespace's, or hidden from this user. */
  | { readonly tree: 'unknown'; readonly signOfLife: boolean; readonly why: string };

/**
 * - `held`: its holder lives, or gives signs of life
 * - `orphaned`: its holder is dead or silent, and its tree lives or cannot be seen: not free
 * - `stale`: its tree is proven empty; whoever claims next gets it
 */
export type ClaimState = 'held' | 'orphaned' | 'stale';

/** The state of a claim, by what is seen of its holder. */
export function stateOf(sight: Sight): ClaimState {
  switch (sight.tree) {
    case 'empty':
      return 'stale';
    case 'alive':
      return sight.holderAlive ? 'held' : 'orphaned';
    case 'unknown':
      return sight.signOfLife ? 'held' : 'orphaned';
  }
}
