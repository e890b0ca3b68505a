import { NO_TIME_LIMIT_MS, type Client } from '../ipc/client.ts';
import { warningText, type Warning } from '../limits/warning.ts';
import type { RunId } from '../runs/record.ts';
import { complain } from './messages.ts';

/** Tells what limits have said to one run, each warning once. */
export interface WarningVoice {
  readonly told: number;
  /** Tells those that were not told yet: what the daemon answers and what the store holds at the end may overlap. */
  tell(warnings: readonly Warning[]): void;
}

/** A voice on stderr. Warnings carry text from the config; it has no control characters. */
export function createWarningVoice(): WarningVoice {
  const told = new Set<string>();
  return {
    get told() {
      return told.size;
    },
    tell(warnings) {
      for (const warning of warnings) {
        const key = JSON.stringify(warning);
        if (!told.has(key)) complain(warningText(warning));
        told.add(key);
      }
    },
  };
}

/** Hears from the daemon, for as long as the connection lasts, what limits say to a run. */
export async function hearWarnings(client: Client, runId: RunId, voice: WarningVoice): Promise<void> {
  try {
    for (;;) {
      const { warnings } = await client.call('warnings', { runId, seen: voice.told }, { timeoutMs: NO_TIME_LIMIT_MS });
      voice.tell(warnings);
    }
  } catch {
    // The connection is over, or the daemon is of an older version: what was not heard is told at the end.
  }
}
