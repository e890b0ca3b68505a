import { realpathSync, statSync } from 'node:fs';
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
