import { ERROR_EXIT_CODES, ReeveError, type ErrorCode } from '../errors.ts';
import { systemError } from '../system-error.ts';
import type { ResponseFrame } from './protocol.ts';

/** A ReeveError as it crosses a process boundary. */
export type WireError = Extract<ResponseFrame, { error: unknown }>['error'];

/** Code on the wire of what is a bug and not an expected failure. */
const INTERNAL = 'INTERNAL';

export function toWireError(error: unknown): WireError {
  const expected = error instanceof ReeveError ? error : systemError(error);
  if (expected !== null) {
    const { code, message, hint, where } = expected;
    return { code, message, hint, where };
  }
  return { code: INTERNAL, message: error instanceof Error ? error.message : String(error), hint: null, where: null };
}

/** The error as it was thrown on the other side; a bug over there, or a code this version does not know, is a plain Error here. */
export function fromWireError(error: WireError): Error {
  if (!isErrorCode(error.code)) return new Error(`${error.message} [${error.code}]`);
  return new ReeveError(error.code, error.message, {
    ...(error.hint !== null && { hint: error.hint }),
    ...(error.where !== null && { where: error.where }),
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_EXIT_CODES, code);
}
