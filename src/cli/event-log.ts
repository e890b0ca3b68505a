import { createEventLog, type EventLog } from '../host/event-log.ts';
import type { CliIo } from './io.ts';
import type { Workplace } from './open.ts';

/** Where a command writes what it does to runs: into the log that daemon and shims write too. */
export function openEventLog({ paths }: Workplace, io: CliIo): EventLog {
  return createEventLog({
    folder: paths.eventsDir,
    onFailure: (error) => io.err(`reeve: the event log cannot be written: ${String(error)}\n`),
  });
}
