import { placeOf } from './git-place.ts';

/** Where a folder named in a log lies now. One that is gone, or is not of this machine, is a project by its own name. */
export function placeOfLog(cwd: string): { readonly project: string; readonly branch: string | null } {
  try {
    return placeOf(cwd);
  } catch {
    return { project: cwd, branch: null };
  }
}
