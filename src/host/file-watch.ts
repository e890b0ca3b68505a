import { realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { watchTree, type TreeWatch, type WatchOptions } from './log-watch.ts';

/**
 * Calls back when a file may have changed: also where it is a link and what it leads to is edited, where it is turned elsewhere, and where a folder
 * of either is made anew. In any case every 30 s.
 */
export function watchFile(path: string, onChange: () => void, options: Pick<WatchOptions, 'rescanMs'> = {}): TreeWatch {
  const own = watchIn(path);
  let target: { readonly path: string; readonly watch: TreeWatch } | null = null;
  followTarget();
  return {
    close() {
      own.close();
      target?.watch.close();
    },
  };

  /** The folder and not the file: editors replace the file, and it may not be there yet. */
  function watchIn(file: string): TreeWatch {
    const told = (changed: string | null): void => {
      if (changed !== null && changed !== file) return;
      followTarget();
      onChange();
    };
    return watchTree(dirname(file), told, { ...options, isFlat: true });
  }

  function followTarget(): void {
    const real = realPath(path);
    // What is gone may be made anew, as some editors save: it is still watched.
    if (real === null || real === (target?.path ?? path)) return;
    target?.watch.close();
    target = real === path ? null : { path: real, watch: watchIn(real) };
  }
}

/** Null while nothing is there. */
function realPath(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
