import { sessionsDir } from './discover.ts';

/** What an entry of Claude Code's live registry says: the process that wrote it, by its start time, and the session that this one is in. */
export interface RegistryEntry {
  readonly sessionId: string;
  readonly startTicks: number;
}

/** The file in which a running Claude Code says which session it is in. */
export function registryFile(configDir: string, pid: number): string {
  return `${sessionsDir(configDir)}/${pid}.json`;
}

/** The PID that a file of the registry is named after; null for any other file. */
export function pidOfRegistryFile(name: string): number | null {
  const pid = Number(/^(\d+)\.json$/.exec(name)?.[1] ?? Number.NaN);
  return Number.isSafeInteger(pid) ? pid : null;
}

/** Null for a file that is half written: its next event comes when it is whole. */
export function parseRegistryEntry(text: string): RegistryEntry | null {
  try {
    const value = JSON.parse(text) as Partial<Record<string, unknown>>;
    const { sessionId, procStart } = value;
    const startTicks = Number(procStart);
    if (typeof sessionId !== 'string' || sessionId === '' || !Number.isSafeInteger(startTicks)) return null;
    return { sessionId, startTicks };
  } catch {
    return null;
  }
}
