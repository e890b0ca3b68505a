import { ReeveError } from '../errors.ts';
import { NO_OWNER, SOURCES } from '../runs/record.ts';
import { withOwner } from '../runs/registration.ts';
import { assertWholeMs } from '../whole-ms.ts';
import type { HostOrder } from './ports.ts';
import type { StartOptions } from './service.ts';

const DEFAULT_GRACE_MS = 10_000;

/** Fills in the defaults. @throws USAGE naming the option */
export function orderOf(options: StartOptions): HostOrder {
  const { command, source = 'subprocess', timeoutMs = null, graceMs = DEFAULT_GRACE_MS, detach = false } = options;
  if (command === '') throw new ReeveError('USAGE', 'there is no command to start');
  if (!SOURCES.includes(source))
    throw new ReeveError('USAGE', `there is no source "${source}"`, { hint: `It is one of ${SOURCES.join(', ')}.` });
  if (timeoutMs !== null) assertWholeMs('timeoutMs', timeoutMs, 1);
  assertWholeMs('graceMs', graceMs);
  return {
    command,
    args: options.args ?? [],
    cwd: options.cwd ?? '.',
    env: options.env ?? {},
    name: options.name ?? null,
    labels: options.labels ?? {},
    source,
    owner: withOwner(NO_OWNER, options.owner ?? {}),
    timeoutMs,
    graceMs,
    capture: options.capture ?? true,
    merge: options.merge ?? false,
    detach,
  };
}
