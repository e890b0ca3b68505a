import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { needsRoot, NOBODY } from './nobody.ts';
import { createReport, puppetCommand, type Report } from './puppet.ts';

/** A user other than nobody, and without any rights either. */
const SOMEBODY = NOBODY - 1;
const SETPRIV = '/usr/bin/setpriv';

/** A report that every user can write to. */
export function createOpenReport(t: TestContext): Report {
  const report = createReport(t);
  chmodSync(dirname(report.path), 0o711);
  chmodSync(report.path, 0o666);
  return report;
}

/** A reason to skip, or false: what it takes to become, within a run, a user whom the run's owner may not signal. */
export const cannotBecomeAnother = needsRoot || (existsSync(SETPRIV) ? false : `there is no ${SETPRIV}`);

/** What a run of nobody's needs to have a member of somebody else's. */
export interface OtherUserStage {
  /** Folders of nobody's. */
  readonly work: string;
  readonly elsewhere: string;
  /** Environment of nobody's programs, with a home of nobody's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly report: Report;
  /** Shell words that start a puppet as somebody else. */
  readonly sleeperOfSomebody: string;
}

/**
 * A home of nobody's below a folder, and words that start a puppet as somebody else: a program that is set to that user's id gives up the rest, so
 * that nobody may not signal it (https://man7.org/linux/man-pages/man2/kill.2.html). Null, with the test skipped, where no program may do that.
 */
export function stageOtherUser(t: TestContext, folder: string): OtherUserStage | null {
  chmodSync(folder, 0o755);
  const own = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path);
    chownSync(path, NOBODY, NOBODY);
    return path;
  };
  const become = join(folder, 'become-somebody');
  copyFileSync(SETPRIV, become);
  chownSync(become, SOMEBODY, SOMEBODY);
  chmodSync(become, 0o4755);
  const begin = [become, '--reuid', String(SOMEBODY)];
  const probe = spawnSync(become, [...begin.slice(1), 'true'], { uid: NOBODY, gid: NOBODY, encoding: 'utf8' });
  if (probe.status !== 0) {
    t.skip(`no program can become another user here (${probe.stderr.trim()}): nosuid, or no new privileges`);
    return null;
  }
  const report = createOpenReport(t);
  const theirs = own('theirs');
  return {
    work: own('w'),
    elsewhere: own('elsewhere'),
    env: { HOME: theirs, REEVE_HOME: join(theirs, 'reeve'), XDG_RUNTIME_DIR: theirs, TMPDIR: theirs },
    report,
    sleeperOfSomebody: [...begin, ...puppetCommand('sleeper.sh', report)].join(' '),
  };
}
