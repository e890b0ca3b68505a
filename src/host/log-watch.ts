import { existsSync, lstatSync, readdirSync, statSync, watch, type FSWatcher, type Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import { isWithin } from '../processes/kill.ts';
import { movedFolder } from './moved-folder.ts';

/** Some file systems (network, overlays) give no events, and a queue of them that overflows loses what comes then. */
const RESCAN_MS = 30_000;

export interface WatchOptions {
  /** How often everything is looked at in spite of the events. @defaultValue 30 s */
  readonly rescanMs?: number;
  /** Only what lies directly in the folder. @defaultValue false */
  readonly isFlat?: boolean;
}

export interface TreeWatch {
  close(): void;
}

/** A folder with a watch of its own. */
interface WatchedFolder {
  /** Tells it from another that took its name. */
  readonly key: string;
  readonly watcher: FSWatcher;
}

/**
 * Watches a folder and all below it. Calls back with the path of a file that changed, or null when any may have: on an event that
 * names no file, when folders came or went, when the folder came into being, and every 30 s. A folder that is not there yet is waited for
 * by watching the nearest one that is. What a link in it stands for is watched under the link's name.
 *
 * One watch per folder, by hand: Node's own recursive one watches each file, and loses those that take the name of another, and the whole folder
 * when it is moved away or made anew (https://github.com/nodejs/node/blob/v24.x/lib/internal/fs/recursive_watch.js).
 */
export function watchTree(
  folder: string,
  onChange: (file: string | null) => void,
  { rescanMs = RESCAN_MS, isFlat = false }: WatchOptions = {},
): TreeWatch {
  const watched = new Map<string, WatchedFolder>();
  const timer = setInterval(() => {
    lookAtAll();
    onChange(null);
  }, rescanMs);
  timer.unref();
  lookAtAll();
  return {
    close() {
      clearInterval(timer);
      dropBelow('/');
    },
  };

  /** Watches what is there and drops what is not, or is another. */
  function lookAtAll(): void {
    const nearest = nearestFolder(folder);
    for (const path of watched.keys()) if (path !== nearest && !isWithin(folder, path)) drop(path);
    if (nearest !== folder) {
      dropBelow(folder);
      attach(nearest);
      return;
    }
    for (const [path, { key }] of watched) if (keyOf(path) !== key) drop(path);
    walk(folder, movedFolder);
  }

  function walk(path: string, leadsTo: (folder: string, link: string) => string | null): void {
    attach(path);
    if (isFlat) return;
    try {
      for (const entry of readdirSync(path, { withFileTypes: true })) {
        const child = `${path}/${entry.name}`;
        if (entry.isDirectory() || (entry.isSymbolicLink() && leadsTo(path, child) !== null)) walk(child, () => null);
      }
    } catch {
      // Gone in between, or not for us to read: whoever reads the logs says so.
    }
  }

  function attach(path: string): void {
    const key = keyOf(path);
    if (key === null || watched.get(path)?.key === key) return;
    drop(path);
    try {
      const watcher = watch(path, { persistent: true });
      watched.set(path, { key, watcher });
      watcher.on('change', (type, name: string | Buffer | null) =>
        changed(path, { type, name: name?.toString() ?? null }),
      );
      watcher.on('error', () => {
        drop(path);
        onChange(null);
      });
    } catch {
      // Gone in between, or no watch to be had (inotify's limit): the slow timer tries again.
    }
  }

  function changed(path: string, { type, name }: { readonly type: string; readonly name: string | null }): void {
    if (path !== folder && !isWithin(folder, path)) {
      // An ancestor, watched in its stead.
      if (nearestFolder(folder) !== path) everythingMayHave();
      return;
    }
    // The kernel tells of the end or move of a watched folder under its own name.
    if (name === null || (path === folder && type === 'rename' && name === basename(folder))) {
      everythingMayHave();
      return;
    }
    const child = `${path}/${name}`;
    if (type !== 'rename') {
      onChange(child);
      return;
    }
    // Came, went, or was replaced: the watch of a folder stays with the folder, wherever that is now.
    const wasFolder = dropBelow(child);
    const isFolder = !isFlat && (isOwnFolder(child) || (path === folder && movedFolder(folder, child) !== null));
    if (isFolder) walk(child, () => null);
    onChange(wasFolder || isFolder ? null : child);
  }

  function everythingMayHave(): void {
    dropBelow(folder);
    lookAtAll();
    onChange(null);
  }

  /** True when there was anything. */
  function dropBelow(path: string): boolean {
    const paths = [...watched.keys()].filter((one) => isWithin(path, one));
    for (const one of paths) drop(one);
    return paths.length > 0;
  }

  function drop(path: string): void {
    watched.get(path)?.watcher.close();
    watched.delete(path);
  }
}

/** Null when no folder is there. */
function keyOf(path: string): string | null {
  const found = lookAt(() => statSync(path));
  return found?.isDirectory() === true ? `${found.dev}:${found.ino}:${found.birthtimeMs}` : null;
}

function isOwnFolder(path: string): boolean {
  return lookAt(() => lstatSync(path))?.isDirectory() === true;
}

function lookAt(stat: () => Stats): Stats | null {
  try {
    return stat();
  } catch {
    return null;
  }
}

function nearestFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}
