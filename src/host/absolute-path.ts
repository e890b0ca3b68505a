import { resolve } from 'node:path';
import { ReeveError } from '../errors.ts';

/**
 * A path made absolute, from this program's working folder.
 * @throws FOLDER_NOT_FOUND when it is relative to a folder that was removed
 */
export function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch (cause) {
    throw new ReeveError('FOLDER_NOT_FOUND', 'the working folder of this program was removed', {
      hint: 'Name an absolute folder.',
      cause,
    });
  }
}
