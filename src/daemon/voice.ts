import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import { createEventLog } from '../host/event-log.ts';
import { createNextWarning } from './next-warning.ts';
import { complain } from './own-log.ts';

/** What the daemon tells, and to whom. */
export interface Voice {
  /** To its own log: what somebody has to see who looks for what is wrong. */
  readonly shout: (text: string) => void;
  /** To the event log, and to those who wait for a warning. */
  readonly record: (event: Event) => void;
  /** Resolves at the next warning of a limit after this call. */
  readonly nextWarning: () => Promise<void>;
}

/** @param eventsDir folder of the event log */
export function createVoice(eventsDir: string, clock: Clock): Voice {
  const shout = (text: string): void => complain(clock.now(), text);
  const events = createEventLog({
    folder: eventsDir,
    onFailure: (error, event) => shout(`event ${event.type} is not in the log: ${String(error)}`),
  });
  const warnings = createNextWarning();
  return {
    shout,
    record(event) {
      events.record(event);
      warnings.note(event);
    },
    nextWarning: warnings.wait,
  };
}
