/** The daemon's own exit code when another one of the same home holds the lock; told apart from a failed start. */
export const ALREADY_RUNNING_EXIT_CODE = 3;
