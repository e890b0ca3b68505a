import type { ErrorCode } from '../errors.ts';
import type { LogProblem } from '../usage/ports.ts';

const UNREADABLE: ErrorCode = 'LOG_UNREADABLE';

/** A log, or a folder of logs, that this user cannot read: what it holds is in no figure and under no limit. */
export function unreadableLog(file: string, error: unknown, now: number): LogProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  const why = code === 'EACCES' || code === 'EPERM' ? 'permission denied' : message;
  return { file, offset: null, message: `cannot be read (${why}): its spend is not counted [${UNREADABLE}]`, at: now };
}
