import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ClaimPlace } from '../claims/ports.ts';
import { atClaimFile, claimFileError } from './claim-file-error.ts';
import { siteOf, worktreesOf, type Site } from './git-place.ts';

/** In a worktree's own git directory; outside git in a folder of its own. */
const FILE_IN_GIT = 'reeve-claim.json';
const FOLDER_OUTSIDE_GIT = '.reeve';
const FILE = 'claim.json';

/**
 * File systems that one kernel has mounted at a time, by their magic numbers (statfs(2), <linux/magic.h>): btrfs, ext2 to ext4, f2fs,
 * overlay, ramfs, tmpfs, xfs, zfs, bcachefs. Any other may be on a network: there a file lock may not reach everyone.
 */
const ONE_KERNEL = new Set([
  0x9123683e, 0xef53, 0xf2f52010, 0x794c7630, 0x858458f6, 0x01021994, 0x58465342, 0x2fc12fc1, 0xca451a4e,
]);

/**
 * Where the claim on the worktree that holds a folder lies: in the worktree's own git directory, outside git in `.reeve/`, so that every
 * user, every `REEVE_HOME` and every container that has the folder finds the same file. Only where that cannot be written, in the state folder.
 * @param spare folder for claims that cannot lie where they belong
 * @throws FOLDER_NOT_FOUND, PERMISSION_DENIED
 */
export function claimPlaceOf(folder: string, spare: string, site: Site = siteOf(folder)): ClaimPlace {
  const { root, gitDir } = site;
  const folderId = idOf(root);
  const below = join(root, FOLDER_OUTSIDE_GIT);
  const home = gitDir ?? (existsSync(below) ? below : root);
  const outside = join(below, FILE);
  const proper = gitDir === null ? outside : join(gitDir, FILE_IN_GIT);
  // The folder was claimed before it became a repository: `git init` changes nobody's claim.
  const earlier = gitDir !== null && existsSync(outside) ? [outside] : [];
  const obstacle = obstacleIn(home);
  const apart = join(spare, `${folderId.replace(':', '-')}.json`);
  return {
    worktree: root,
    folderId,
    file: obstacle === null ? proper : apart,
    // A file of our own from a time when the proper place could not be written still counts, as does one that others can write.
    otherFiles: [obstacle === null ? apart : proper, ...earlier],
    apart: obstacle === null ? null : `${home} ${obstacle}`,
    oneKernel: isOneKernel(home),
  };
}

/**
 * Where the claims on all worktrees of a repository lie, as git's own files tell it: no worktree is looked through. A worktree that was
 * removed by hand is among them for as long as git knows it.
 * @throws FOLDER_NOT_FOUND
 */
export function claimPlacesAround(folder: string, spare: string): readonly ClaimPlace[] {
  const site = siteOf(folder);
  if (site.gitDir === null) return [claimPlaceOf(folder, spare, site)];
  return worktreesOf(site.gitDir).map(({ root, gitDir }) =>
    existsSync(root) ? claimPlaceOf(root, spare) : placeOfFile(root, '', join(gitDir, FILE_IN_GIT)),
  );
}

/** A place that is known by its file alone; its folder may be gone. */
export function placeOfFile(worktree: string, folderId: string, file: string): ClaimPlace {
  let oneKernel: boolean | null = null;
  return {
    worktree,
    folderId,
    file,
    otherFiles: [],
    apart: null,
    get oneKernel() {
      oneKernel ??= isOneKernel(dirname(file));
      return oneKernel;
    },
  };
}

/** In doubt not: a folder that is gone says nothing. */
function isOneKernel(folder: string): boolean {
  try {
    return ONE_KERNEL.has(statfsSync(folder).type);
  } catch {
    return false;
  }
}

/** Device and inode: a folder by any of its names. */
function idOf(folder: string): string {
  const { dev, ino } = atClaimFile('the worktree cannot be looked at', folder, () =>
    statSync(folder, { bigint: true }),
  );
  return `${dev}:${ino}`;
}

function obstacleIn(folder: string): string | null {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EROFS') return 'is on a read-only file system';
    if (code === 'EACCES' || code === 'EPERM') return 'cannot be written by this user';
    throw claimFileError(error, "the claim's folder cannot be used", folder);
  }
}
