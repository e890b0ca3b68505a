import {
  appendFileSync,
  closeSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../events.ts';
import { openRegularFile } from './regular-file.ts';

/** Where everything that happens is written down, for people and for later screens. */
export interface EventLog {
  /** Appends one event. Never throws: an event that cannot be written goes to `onFailure`. */
  record(event: Event): void;
}

export interface EventLogOptions {
  /** Folder of the log; made 0700 when absent. */
  readonly folder: string;
  /** Size in bytes at which the file in use is set aside. @defaultValue 8388608 */
  readonly maxBytes?: number;
  /** Set-aside files that are kept, the newest. @defaultValue 4 */
  readonly keep?: number;
  readonly onFailure: (error: unknown, event: Event) => void;
}

/** The file that is written to; older ones are `events-<epoch ms>-<pid>.ndjson` beside it. */
export const EVENTS_FILE = 'events.ndjson';
/** What older files are called. */
export const OLDER_FILE = /^events-\d+-\d+\.ndjson$/;

const NEWLINE = 0x0a;
const DEFAULT_MAX_BYTES = 8 * 1024 * 1024;
const DEFAULT_KEEP = 4;

/**
 * Events as newline-delimited JSON in files of mode 0600. Daemon and shims append to the same file: each event is one write with
 * O_APPEND, and the file is opened anew for each, so that one set aside by another process is not written on.
 */
export function createEventLog(options: EventLogOptions): EventLog {
  const { folder, maxBytes = DEFAULT_MAX_BYTES, keep = DEFAULT_KEEP } = options;
  const file = join(folder, EVENTS_FILE);
  return {
    record(event) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const line = `${JSON.stringify(event)}\n`;
        if (sizeOf(file) + Buffer.byteLength(line) > maxBytes) setAside(folder, file, event.at, keep);
        append(file, line);
      } catch (error) {
        options.onFailure(error, event);
      }
    },
  };
}

/** A line that a full disk has cut short stays alone on its line: what is written after it must be readable. */
function append(file: string, line: string): void {
  const fd = openRegularFile(file, 'a+', 0o600);
  try {
    const { size } = fstatSync(fd);
    const last = Buffer.alloc(1);
    const isTorn = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
    appendFileSync(fd, isTorn ? `\n${line}` : line);
  } finally {
    closeSync(fd);
  }
}

function setAside(folder: string, file: string, at: number, keep: number): void {
  try {
    renameSync(file, join(folder, `events-${at}-${process.pid}.ndjson`));
  } catch (error) {
    // Another process was faster, or nothing was written yet.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const older = readdirSync(folder).filter((name) => OLDER_FILE.test(name));
  const byAge = older.toSorted((a, b) => stamp(b) - stamp(a));
  for (const name of byAge.slice(keep)) rmSync(join(folder, name), { force: true });
}

function stamp(name: string): number {
  return Number(name.split('-')[1]);
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
