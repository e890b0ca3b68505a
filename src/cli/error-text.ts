import type { ReeveError } from '../errors.ts';
import { plain } from '../plain.ts';

/** An error as stderr has it: what happened, where, and what to do about it. What was typed, read and logged by others is made plain. */
export function errorText({ code, message, hint, where }: ReeveError): string {
  const place = where === null ? '' : `\n  at ${where}`;
  const remedy = hint === null ? '' : `\n  ${hint}`;
  const lines = `reeve: ${message} [${code}]${place}${remedy}`.split('\n');
  return `${lines.map(plain).join('\n')}\n`;
}
