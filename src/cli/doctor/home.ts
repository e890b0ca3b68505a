import { chmodSync, statSync, type Stats } from 'node:fs';
import type { Workplace } from '../open.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';
import { shellWord } from '../../shell-word.ts';

/** Permissions of group and others, and those to write ([inode(7)](https://man7.org/linux/man-pages/man7/inode.7.html)). */
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;
const PRIVATE = 0o700;

/**
 * A home that others may write in: they could put a store, a lockout or a socket of their own in the place of ours. One that they may only
 * look into is worth a note: they see the names of files, and nothing in them. Reeve makes it 0700, but takes one that is there as it is,
 * because whoever made it may keep other things there. With `fix` it is closed, if it is ours to close.
 */
export function examineHome({ paths }: Workplace, uid: number, fix: boolean): readonly Finding[] {
  const home = statSync(paths.stateDir, { throwIfNoEntry: false });
  if (home === undefined) return [];
  const evidence = evidenceOf(home, uid);
  if (evidence.length === 0) return [];
  const isOurs = home.uid === uid;
  if (fix && isOurs) chmodSync(paths.stateDir, PRIVATE);
  return [
    finding({
      kind: 'open-home',
      severity: isOurs && (home.mode & OTHERS_WRITE) === 0 ? 'note' : 'problem',
      subject: paths.stateDir,
      evidence,
      remedy: isOurs ? `chmod 700 ${shellWord(paths.stateDir)}` : 'point REEVE_HOME at a folder of your own',
      fixed: fix && isOurs ? 'closed to others' : null,
    }),
  ];
}

function evidenceOf({ uid: owner, mode }: Stats, uid: number): readonly string[] {
  return [
    ...(owner === uid ? [] : [`it belongs to user ${owner}, not to ${uid}`]),
    ...((mode & OTHERS) === 0
      ? []
      : [
          `others may ${(mode & OTHERS_WRITE) === 0 ? 'look into' : 'write in'} it (mode ${(mode & 0o7777).toString(8)})`,
        ]),
  ];
}
