/** The daemon's own exit code when another one of the same home holds the lock; told apart from a failed start. */
export const ALREADY_RUNNING_EXIT_CODE = 3;

/** No room for the daemon's files. Told by exit code, because its log, which tells of all other failures, has no room for a word then. */
export const DISK_FULL_EXIT_CODE = 4;
