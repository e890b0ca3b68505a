import type { ReeveError } from './errors.ts';

/** An error in one line, for logs: what happened, where, and what to do about it. */
export function errorLine({ message, code, where, hint }: ReeveError): string {
  const place = where === null ? '' : ` at ${where}`;
  return `${message}${place} [${code}]${hint === null ? '' : `; ${hint}`}`;
}
