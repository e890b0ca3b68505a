import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

/** Some file systems (network, overlays) give no events, and a queue of them that overflows loses what comes then. */
const RESCAN_MS = 30_000;

export interface WatchOptions {
  /** How often everything is looked at in spite of the events. @defaultValue 30 s */
  readonly rescanMs?: number;
}

export interface TreeWatch {
  close(): void;
}

/**
 * Watches a folder and all below it. Calls back with the path of a file that changed, or null when any may have: on an event that
 * names no file, when events were lost, when the folder came into being, and every 30 s. A folder that is not there yet is waited for
 * by watching the nearest one that is.
 */
export function watchTree(
  folder: string,
  onChange: (file: string | null) => void,
  { rescanMs = RESCAN_MS }: WatchOptions = {},
): TreeWatch {
  let watcher: FSWatcher | null = null;
  let whole = false;
  let closed = false;
  const timer = setInterval(() => {
    attach();
    onChange(null);
  }, rescanMs);
  timer.unref();
  attach();
  return {
    close() {
      closed = true;
      clearInterval(timer);
      watcher?.close();
    },
  };

  /** Moves the watch as near to the folder as there are folders. */
  function attach(): void {
    if (closed || (whole && existsSync(folder))) return;
    watcher?.close();
    watcher = null;
    const nearest = nearestFolder(folder);
    whole = nearest === folder;
    try {
      watcher = watch(nearest, { recursive: whole, persistent: true });
    } catch {
      // Gone in between, or no watch to be had (inotify's limit): the slow timer tries again.
      whole = false;
      return;
    }
    watcher.on('change', (_type, name: string | Buffer | null) => {
      if (whole) onChange(name === null ? null : `${folder}/${name.toString()}`);
      else if (nearestFolder(folder) !== nearest) {
        attach();
        onChange(null);
      }
    });
    watcher.on('error', () => {
      whole = false;
      attach();
      onChange(null);
    });
  }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
