import { ReeveError } from '../errors.ts';
import { isRunId } from '../runs/run-id.ts';
import type { RunId, StopReason } from '../runs/record.ts';
import type { MethodName, Methods } from './protocol.ts';

/** Why a run may be stopped; as a record so that the compiler keeps it complete. */
const STOP_REASONS: Readonly<Record<StopReason, true>> = {
  interrupt: true,
  stop: true,
  parent: true,
  'turn-limit': true,
  'budget-limit': true,
  'token-limit': true,
  'time-limit': true,
  'idle-limit': true,
  'memory-limit': true,
  'process-limit': true,
};

const READERS: { readonly [Name in MethodName]: (fields: Fields) => Methods[Name]['params'] } = {
  admit: (fields) => ({ runId: fields.runId() }),
  attach: (fields) => ({ runId: fields.runId() }),
  settle: (fields) => ({ runId: fields.runId() }),
  warnings: (fields) => ({ runId: fields.runId(), seen: fields.count('seen') }),
  status: () => ({}),
  shutdown: () => ({}),
  stop: (fields) => ({
    runId: fields.runId(),
    reason: fields.stopReason(),
    message: fields.textOrNull('message'),
    graceMs: fields.count('graceMs'),
    callerPid: fields.count('callerPid'),
  }),
  send: (fields) => ({ runId: fields.runId(), data: fields.text('data'), close: fields.flag('close') }),
};

/** Checks what a peer sent for a method; unknown fields are left out. By hand, because the shim must not load a schema library. @throws USAGE naming the field */
export function readParams<Name extends MethodName>(name: Name, params: unknown): Methods[Name]['params'] {
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw new ReeveError('USAGE', `${name}: params is not an object`);
  return READERS[name](new Fields(name, params as Record<string, unknown>));
}

/** Typed access to the fields of one request. */
class Fields {
  readonly #method: string;
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(method: string, values: Readonly<Record<string, unknown>>) {
    this.#method = method;
    this.#values = values;
  }

  runId(): RunId {
    const value = this.#values['runId'];
    if (typeof value === 'string' && isRunId(value)) return value;
    throw this.#refusal('runId', 'a run id');
  }

  stopReason(): StopReason {
    const value = this.#values['reason'];
    if (typeof value === 'string' && Object.hasOwn(STOP_REASONS, value)) return value as StopReason;
    throw this.#refusal('reason', `one of ${Object.keys(STOP_REASONS).join(', ')}`);
  }

  textOrNull(name: string): string | null {
    const value = this.#values[name] ?? null;
    if (value === null || typeof value === 'string') return value;
    throw this.#refusal(name, 'text or null');
  }

  text(name: string): string {
    const value = this.textOrNull(name);
    if (value !== null) return value;
    throw this.#refusal(name, 'text');
  }

  flag(name: string): boolean {
    const value = this.#values[name];
    if (typeof value === 'boolean') return value;
    throw this.#refusal(name, 'true or false');
  }

  count(name: string): number {
    const value = this.#values[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw this.#refusal(name, 'a whole number from 0');
  }

  #refusal(name: string, wanted: string): ReeveError {
    return new ReeveError('USAGE', `${this.#method}: ${name} is not ${wanted}`);
  }
}
