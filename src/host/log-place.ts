import { isAbsolute } from 'node:path';
import { placeOf } from './git-place.ts';

/**
 * Where a folder named in a log lies now. One that is gone, or is not of this machine, is a project by its own name; so is a relative one,
 * which only the agent that wrote it could resolve.
 */
export function placeOfLog(cwd: string): { readonly project: string; readonly branch: string | null } {
  if (!isAbsolute(cwd)) return { project: cwd, branch: null };
  try {
    return placeOf(cwd);
  } catch {
    return { project: cwd, branch: null };
  }
}
