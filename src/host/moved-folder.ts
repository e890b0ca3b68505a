import { readdirSync, realpathSync, statSync } from 'node:fs';
import { isWithin } from '../processes/kill.ts';

/**
 * Where a link in a folder leads that stands for a folder which was moved elsewhere: agents go on to write through it, so it is followed.
 * Null for any other. What leads back into the folder, or above it, is not followed: it would be found twice, or a whole disk searched.
 */
export function movedFolder(folder: string, link: string): string | null {
  try {
    const target = realpathSync(link);
    const from = realpathSync(folder);
    return statSync(target).isDirectory() && !isWithin(from, target) && !isWithin(target, from) ? target : null;
  } catch {
    return null;
  }
}

/** All such links in a folder, by where they lead; none when it cannot be read. */
export function movedFolders(folder: string): ReadonlyMap<string, string> {
  try {
    const links = readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isSymbolicLink())
      .map(({ name }) => `${folder}/${name}`);
    return new Map(
      links.flatMap((link) => {
        const target = movedFolder(folder, link);
        return target === null ? [] : [[link, target]];
      }),
    );
  } catch {
    return new Map();
  }
}
