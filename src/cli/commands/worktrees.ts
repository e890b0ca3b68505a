import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { acquireClaim, type ClaimPorts } from '../../claims/acquire.ts';
import { describeHolder } from '../../claims/claim-errors.ts';
import { readClaim } from '../../claims/inspect.ts';
import { findInWorktree, type FoundProcess } from '../../processes/kill.ts';
import { ReeveError } from '../../errors.ts';
import { placeOf } from '../../host/git-place.ts';
import { listWorktrees, removeWorktree, unsavedIn, type UnsavedWork, type Worktree } from '../../host/worktrees.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { callers, handHolder, openClaims, openRunClaims, runsAround } from '../claim-ports.ts';
import { toClaimJson, type ClaimJson } from '../claim-view.ts';
import { openEventLog } from '../event-log.ts';
import { count, plain } from '../format.ts';
import { parseGraceMs } from '../grace.ts';
import { emit, type CliIo } from '../io.ts';
import { openWorkplace, type Workplace } from '../open.ts';
import { daemonOf } from '../stop/plan.ts';
import { renderTable } from '../table.ts';

interface RemoveOptions {
  readonly force?: boolean;
  readonly discard?: boolean;
  readonly grace: string;
  readonly json?: boolean;
}

/** A worktree as `--json` gives it. */
interface WorktreeJson extends Worktree {
  readonly claim: ClaimJson | null;
  /** Ids of the active runs in it. */
  readonly runs: readonly string[];
  /** Null: its folder is gone. */
  readonly unsaved: UnsavedWork | null;
}

export function define(command: Command, io: CliIo): Command {
  command
    .command('rm')
    .summary('remove a worktree in which nothing lives; its branch stays')
    .argument('<worktree>', 'its folder, or the name of its branch')
    .option('--force', 'stop the runs that work there first')
    .option('--discard', 'remove it also when it has work that is nowhere else')
    .option('--grace <time>', 'with --force: time between TERM and KILL', '10s')
    .option('--json', 'print {removed}')
    .action(async (word: string, options: RemoveOptions, rm: Command) => {
      await using workplace = openWorkplace(io.env);
      const removed = await remove(workplace, io, find(word, io), options);
      emit(io, rm.optsWithGlobals<RemoveOptions>(), { removed }, () => `removed ${plain(removed.path)}\n`);
    });

  return command.option('--json', 'print {worktrees}').action(async (options: { readonly json?: boolean }) => {
    await using workplace = openWorkplace(io.env);
    const worktrees = await look(workplace, io);
    const { color, columns: width } = io;
    emit(io, options, { worktrees }, () =>
      renderTable(
        [
          { title: 'WORKTREE', value: ({ path }) => plain(path) },
          { title: 'BRANCH', value: ({ branch }) => plain(branch ?? '') },
          { title: 'CLAIM', value: ({ claim }) => claim?.state ?? '' },
          { title: 'RUN', value: ({ runs }) => runs.join(' ') },
          { title: 'WORK', value: ({ exists, unsaved }) => (exists ? unsavedText(unsaved) : 'its folder is gone') },
        ],
        worktrees,
        { color, width },
      ),
    );
  });
}

async function look(workplace: Workplace, io: CliIo): Promise<readonly WorktreeJson[]> {
  const ports = await openClaims(workplace);
  const { runs } = await workplace.store();
  const found: WorktreeJson[] = [];
  for (const worktree of listWorktrees(io.cwd)) {
    const { path, exists } = worktree;
    const active = await runs.list({ worktree: path, states: ACTIVE_STATES });
    const claim = exists ? toClaimJson(await readClaim(ports, ports.files.placeOf(path))) : null;
    found.push({
      ...worktree,
      claim,
      runs: active.map(({ intent }) => intent.id),
      unsaved: exists ? unsavedIn(worktree) : null,
    });
  }
  return found;
}

function find(word: string, io: CliIo): Worktree {
  const worktrees = listWorktrees(io.cwd);
  const path = realOrSame(resolve(io.cwd, word));
  const found = worktrees.find((one) => one.path === path) ?? worktrees.find((one) => one.branch === word);
  if (found === undefined)
    throw new ReeveError('USAGE', `this repository has no worktree ${word}`, { hint: '`reeve worktrees` lists them' });
  if (!found.linked) throw new ReeveError('USAGE', `${found.path} is the repository itself`, { where: found.path });
  if (!found.exists)
    throw new ReeveError('USAGE', `the folder ${found.path} is gone already`, {
      hint: '`git worktree prune` forgets it',
    });
  return found;
}

/** Nothing is removed before everything is known; the worktree is claimed while it goes, so that nobody comes in. */
async function remove(workplace: Workplace, io: CliIo, worktree: Worktree, options: RemoveOptions): Promise<Worktree> {
  const ports = await openClaims(workplace);
  if (options.force === true) await stopRunsIn(workplace, io, worktree, parseGraceMs(options.grace));
  assertSaved(worktree, options);
  const place = ports.files.placeOf(worktree.path);
  const holder = handHolder(ports, process.pid);
  const view = await readClaim(ports, place);
  if (view.state === 'held' || view.state === 'orphaned') {
    throw new ReeveError(
      'CLAIM_HELD',
      `${worktree.path} is claimed by ${describeHolder(view.claim, workplace.clock.now())}`,
      {
        where: worktree.path,
        hint: '`--force` stops its run first.',
      },
    );
  }
  const living = livingIn(ports, worktree);
  if (living.length > 0) {
    throw new ReeveError('CLAIM_HELD', `in ${worktree.path} there still lives ${living.map(describe).join(', ')}`, {
      where: worktree.path,
      hint: options.force === true ? 'What is no run is yours to end.' : 'End it, or let `--force` stop the runs.',
    });
  }
  const claim = await acquireClaim(ports, { place, holder, session: null, insideOf: runsAround(io), waitMs: 0 });
  try {
    // Once more: what was saved a moment ago may not be now.
    assertSaved(worktree, options);
    removeWorktree(worktree, options.discard === true);
  } finally {
    await claim.release();
  }
  return worktree;
}

async function stopRunsIn(workplace: Workplace, io: CliIo, { path }: Worktree, graceMs: number): Promise<void> {
  const { stopRun } = await import('../../runs/stop-run.ts');
  const [{ runs }, { table, signaller, self }, claims] = await Promise.all([
    workplace.store(),
    workplace.processes(),
    openRunClaims(workplace, io),
  ]);
  const { clock } = workplace;
  const exclude = () => daemonOf(workplace);
  const { record: announce } = openEventLog(workplace, io);
  for (const record of await runs.list({ worktree: path, states: ACTIVE_STATES })) {
    const { receipt } = await stopRun(
      { runs, table, signaller, self, clock, claims, announce, exclude },
      { record, reason: 'stop', message: null, graceMs },
    );
    if (receipt.provenEmpty) continue;
    throw new ReeveError('SURVIVORS', `run ${record.intent.id} could not be ended`, { where: path });
  }
}

function assertSaved(worktree: Worktree, { discard }: RemoveOptions): void {
  const unsaved = unsavedIn(worktree);
  if (discard === true || (unsaved.files.length === 0 && unsaved.commits === 0)) return;
  throw new ReeveError('WORKTREE_DIRTY', `${worktree.path} has work that is nowhere else: ${unsavedText(unsaved)}`, {
    where: worktree.path,
    hint: 'Commit it to a branch, or lose it with `--discard`.',
  });
}

function livingIn(ports: ClaimPorts, { path }: Worktree): readonly FoundProcess[] {
  const ours = new Set(callers(ports).map(({ pid }) => pid));
  const worktreeOf = (folder: string): string | null => placeOf(folder).worktree;
  return findInWorktree({ table: ports.table, worktreeOf }, path).filter(({ identity }) => !ours.has(identity.pid));
}

function describe({ identity, kind, comm }: FoundProcess): string {
  return `${plain(kind ?? comm)} (PID ${identity.pid})`;
}

function unsavedText(unsaved: UnsavedWork | null): string {
  if (unsaved === null) return '';
  const { files, commits } = unsaved;
  const shown = files.slice(0, 3).map(plain).join(', ');
  return [
    ...(files.length === 0 ? [] : [`${count(files.length, 'file')} (${shown}${files.length > 3 ? ', …' : ''})`]),
    ...(commits === 0 ? [] : [`${count(commits, 'commit')} on no branch`]),
  ].join(', ');
}

function realOrSame(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
