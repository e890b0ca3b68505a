/**
 * Every expected failure that leaves reeve has a stable code. `docs/errors.md` is kept in step with this table by a test.
 * The number is the exit code the CLI ends with when the error reaches the top.
 */
export const ERROR_EXIT_CODES = {
  USAGE: 2,
  CONFIG_INVALID: 2,
  RUN_NOT_FOUND: 2,
  RUN_AMBIGUOUS: 2,
  SCOPE_EMPTY: 2,
  RUN_EXISTS: 2,
  RUN_ENDED: 1,
  RUN_NOT_RUNNING: 1,
  RUN_ACTIVE: 1,
  STDIN_CLOSED: 1,
  RUN_CONFLICT: 1,
  TRANSITION_ILLEGAL: 1,
  SURVIVORS: 1,
  SHIM_LOST: 1,
  TARGETS_REFUSED: 1,
  SIGNAL_REFUSED: 77,
  OWNERSHIP_UNPROVEN: 1,
  PERMISSION_DENIED: 77,
  DAEMON_UNREACHABLE: 69,
  PROTOCOL_MISMATCH: 69,
  STORE_UNREACHABLE: 69,
  STORE_CORRUPT: 69,
  STORE_FULL: 69,
  STORE_TOO_NEW: 69,
  PLATFORM_UNSUPPORTED: 69,
  LOCKED_OUT: 75,
  LOCKOUT_CORRUPT: 75,
  CLAIM_HELD: 73,
  CLAIM_NOT_HELD: 73,
  CLAIM_CORRUPT: 73,
  WORKTREE_DIRTY: 1,
  COMMAND_FAILED: 1,
  LOG_UNREADABLE: 1,
  OUTPUT_UNWRITABLE: 1,
  REPORT_UNWRITABLE: 2,
  SYSTEM_ERROR: 1,
  COMMAND_NOT_EXECUTABLE: 126,
  COMMAND_NOT_FOUND: 127,
  FOLDER_NOT_FOUND: 2,
} as const;

export type ErrorCode = keyof typeof ERROR_EXIT_CODES;

export interface ReeveErrorOptions {
  /** What the user can do about it: one sentence, ideally with the command to type. */
  readonly hint?: string;
  /** The place: a file with line and column, a run id, a key. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** An expected failure with a stable {@link ErrorCode}; anything else that is thrown is a bug in reeve. */
export class ReeveError extends Error {
  override readonly name = 'ReeveError';
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly where: string | null;

  constructor(code: ErrorCode, message: string, options: ReeveErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? null;
    this.where = options.where ?? null;
  }

  get exitCode(): number {
    return ERROR_EXIT_CODES[this.code];
  }
}
