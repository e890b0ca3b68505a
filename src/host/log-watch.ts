import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { movedFolders } from './moved-folder.ts';

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
 * by watching the nearest one that is. What a link in it stands for is watched under the link's name.
 */
export function watchTree(
  folder: string,
  onChange: (file: string | null) => void,
  { rescanMs = RESCAN_MS }: WatchOptions = {},
): TreeWatch {
  let watcher: FSWatcher | null = null;
  let whole = false;
  let closed = false;
  const linked = new Map<string, { readonly target: string; readonly watcher: FSWatcher }>();
  const timer = setInterval(() => {
    attach();
    followLinks();
    onChange(null);
  }, rescanMs);
  timer.unref();
  attach();
  return {
    close() {
      closed = true;
      clearInterval(timer);
      watcher?.close();
      followLinks();
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
    followLinks();
    watcher.on('change', (_type, name: string | Buffer | null) => {
      if (whole) {
        // A link that came or went is an entry of the folder itself.
        if (!name?.includes('/')) followLinks();
        onChange(name === null ? null : `${folder}/${name.toString()}`);
      } else if (nearestFolder(folder) !== nearest) {
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

  function followLinks(): void {
    const moved = whole && !closed ? movedFolders(folder) : new Map<string, string>();
    for (const [link, { target }] of linked) if (moved.get(link) !== target) unfollow(link);
    for (const [link, target] of moved) if (!linked.has(link)) follow(link, target);
  }

  function follow(link: string, target: string): void {
    try {
      const within = watch(target, { recursive: true, persistent: true });
      within.on('change', (_type, name: string | Buffer | null) => {
        onChange(name === null ? null : `${link}/${name.toString()}`);
      });
      // The slow timer tries again.
      within.on('error', () => unfollow(link));
      linked.set(link, { target, watcher: within });
    } catch {
      // No watch to be had, as above.
    }
  }

  function unfollow(link: string): void {
    linked.get(link)?.watcher.close();
    linked.delete(link);
  }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
