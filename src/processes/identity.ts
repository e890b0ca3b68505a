/**
 * What makes a process *that* process. A PID alone is reused; a PID with its start time in clock ticks since boot, in one
 * boot and one PID namespace, is not (proc(5), field 22 of `/proc/pid/stat`).
 */
export interface Identity {
  readonly bootId: string;
  /** The inode of `/proc/self/ns/pid`, as decimal text; followed by the time namespace where that is not the machine's own. */
  readonly pidNamespace: string;
  readonly pid: number;
  /** Of a process that /proc hides, what stands in for it: {@link HIDDEN_START}. */
  readonly startTicks: number;
}

/**
 * From here on a start is none: the process is hidden, its start cannot be known, and the kernel's own number for it, which no later
 * process gets, was added to this. This number itself: nothing is known. No clock gets that far, so that a hidden process counts as younger than all
 * others and is never proven to have been there before.
 */
export const HIDDEN_START = 2 ** 52;

/** True for a process that /proc hides from whoever has looked. */
export function isHidden({ startTicks }: { readonly startTicks: number }): boolean {
  return startTicks >= HIDDEN_START;
}

/** The machine's boot and PID namespace: the part of an {@link Identity} that all processes seen from here share. */
export type Realm = Pick<Identity, 'bootId' | 'pidNamespace'>;

export function sameRealm(a: Realm, b: Realm): boolean {
  return a.bootId === b.bootId && a.pidNamespace === b.pidNamespace;
}

export function sameIdentity(a: Identity, b: Identity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && sameRealm(a, b);
}

/** A key for maps and sets within one realm. */
export function identityKey(process: { readonly pid: number; readonly startTicks: number }): string {
  return `${process.pid}:${process.startTicks}`;
}

/** The identity of a row that was just read. */
export function identityIn(realm: Realm, process: { readonly pid: number; readonly startTicks: number }): Identity {
  return { bootId: realm.bootId, pidNamespace: realm.pidNamespace, pid: process.pid, startTicks: process.startTicks };
}
