/** A test that waits longer for one thing hangs, in milliseconds: a guard, not a measure of speed. Machines that do much besides take half of it. */
export const HANG_MS = 60_000;
