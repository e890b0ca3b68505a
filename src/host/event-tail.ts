import { closeSync, fstatSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../events.ts';
import { LineSplitter } from '../service/line-splitter.ts';
import { EVENTS_FILE, OLDER_FILE } from './event-log.ts';
import { openRegularFile } from './regular-file.ts';

const CHUNK_BYTES = 256 * 1024;

/** One file of the log, held open: what it is called may change, what it is does not. */
interface Segment {
  readonly fd: number;
  readonly inode: string;
  readonly lines: LineSplitter;
  name: string;
  offset: number;
  listed: boolean;
}

export interface EventTailOptions {
  /** Folder of the log; may be absent. */
  readonly folder: string;
  /** A line that is no event: of a disk that was full, or of another program. */
  readonly onUnreadable: (line: string) => void;
}

/**
 * Reads the log of events from where the last look ended, each event once: across files that were set aside meanwhile, written to while they
 * were, or removed. Files are known by what they are and not by their names, and stay open as long as they are there.
 */
export class EventTail {
  readonly #options: EventTailOptions;
  #segments: readonly Segment[] = [];

  constructor(options: EventTailOptions) {
    this.#options = options;
  }

  /** What came since the last look, in the order in which it was written; at first, all that the log holds. */
  read(): readonly Event[] {
    return this.readLast(Infinity);
  }

  /** The same, but no more than the last so many: only those are made events of. */
  readLast(count: number): readonly Event[] {
    let lines: string[] = [];
    this.#open();
    for (const segment of this.#segments) {
      this.#readOn(segment, (line) => lines.push(line));
      if (lines.length > count) lines = lines.slice(lines.length - count);
    }
    for (const { fd, listed } of this.#segments) if (!listed) closeSync(fd);
    this.#segments = this.#segments.filter(({ listed }) => listed);
    return lines.flatMap((line) => this.#parse(line) ?? []);
  }

  close(): void {
    for (const { fd } of this.#segments) closeSync(fd);
    this.#segments = [];
  }

  /** Opens what is new, oldest first. Again when a file was set aside in between: its successor must not be read before it. */
  #open(): void {
    let seen: readonly string[] | null = null;
    for (let names = this.#list(); names.join() !== seen?.join(); names = this.#list()) {
      seen = names;
      this.#take(names);
    }
  }

  #take(names: readonly string[]): void {
    for (const segment of this.#segments) segment.listed = false;
    const known = new Map(this.#segments.map((segment) => [segment.inode, segment]));
    for (const name of names) {
      const found = openSegment(join(this.#options.folder, name), name);
      if (found === null) continue;
      const same = known.get(found.inode);
      if (same === undefined) known.set(found.inode, found);
      else {
        closeSync(found.fd);
        same.name = name;
        same.listed = true;
      }
    }
    this.#segments = [...known.values()].toSorted((a, b) => order(a.name) - order(b.name));
  }

  #list(): readonly string[] {
    try {
      return readdirSync(this.#options.folder)
        .filter((name) => name === EVENTS_FILE || OLDER_FILE.test(name))
        .toSorted();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  }

  #readOn(segment: Segment, take: (line: string) => void): void {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    for (;;) {
      const length = readSync(segment.fd, buffer, 0, CHUNK_BYTES, segment.offset);
      if (length === 0) return;
      segment.offset += length;
      // Two writers that repair the same torn line leave an empty one.
      for (const { text } of segment.lines.push(buffer.subarray(0, length))) if (text !== '') take(text);
    }
  }

  #parse(line: string): Event | null {
    const event = parseEvent(line);
    if (event === null) this.#options.onUnreadable(line);
    return event;
  }
}

function openSegment(file: string, name: string): Segment | null {
  let fd: number;
  try {
    fd = openRegularFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { dev, ino } = fstatSync(fd);
  return { fd, inode: `${dev}:${ino}`, lines: new LineSplitter(), name, offset: 0, listed: true };
}

/** Set-aside files by their time, the one in use last. */
function order(name: string): number {
  return name === EVENTS_FILE ? Number.MAX_SAFE_INTEGER : Number(name.split('-')[1]);
}

function parseEvent(line: string): Event | null {
  try {
    const value = JSON.parse(line) as Partial<Event> | null;
    return typeof value?.type === 'string' && typeof value.at === 'number' ? (value as Event) : null;
  } catch {
    return null;
  }
}
