import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { placeOf } from '../../host/git-place.ts';
import { formatUsd, parseUsd, toUsd } from '../../limits/amount.ts';
import { coveringLockouts } from '../../limits/covering.ts';
import { formatDuration, parseDuration } from '../../limits/duration.ts';
import type { Allowance, Lockout } from '../../limits/lockout.ts';
import { plain } from '../format.ts';
import { openEventLog } from '../event-log.ts';
import type { CliIo } from '../io.ts';
import { emit, resolveTyped } from '../io.ts';
import { readLimits } from '../limit-counters.ts';
import type { LimitReading } from '../limit-counters.ts';
import { openLockouts } from '../lockout-store.ts';
import { branchText, toLockoutJson } from '../lockout-view.ts';
import { openWorkplace } from '../open.ts';
import { toldZone } from '../usage-settings.ts';
import { timeIn } from '../zone-time.ts';
import { projectCalled } from '../project-called.ts';
import { allowanceFor, selectLockouts } from '../unlock-plan.ts';
import type { UnlockRequest } from '../unlock-plan.ts';
import { shellWord } from '../../shell-word.ts';

interface UnlockOptions {
  readonly branch?: string;
  readonly limit?: string;
  readonly for?: string;
  readonly extra?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('<project>', "path or name of the project, . for this one, or '*' for lockouts of all projects")
    .option('--branch <name>', 'only the lockouts of that branch')
    .option('--limit <name>', 'only the lockout of that limit')
    .option('--for <duration>', 'lift the caps for so long: 2h, 90m')
    .option('--extra <usd>', 'allow so many dollars more, until the period ends')
    .option('--json', 'print {released, allowances, stillLocked}')
    .action(async (word: string, options: UnlockOptions) => {
      const grant = grantOf(options);
      await using workplace = openWorkplace(io.env);
      const { clock } = workplace;
      const lockouts = await openLockouts(workplace, io);
      const now = clock.now();
      const rows = await lockouts.list();
      const { branch = null, limit = null } = options;
      const request: UnlockRequest = {
        project: projectOf(word, rows, io),
        branch,
        limit,
        grant,
        by: userName(io.env),
      };
      const selected = selectLockouts(rows, request, now);
      const reading =
        grant !== null && 'extraMicroUsd' in grant && selected.length > 0
          ? await readLimits(workplace, io)
          : unread(now);
      // All of them are made before the first is given: a lockout that cannot be lifted so lifts none.
      const allowances = selected.map((row) => ({ id: randomUUID(), ...allowanceFor(row, request, reading) }));
      const events = openEventLog(workplace, io);
      const time = timeIn(await toldZone(workplace.paths, io.env));
      for (const [index, row] of selected.entries()) {
        const allowance = allowances[index] as Allowance;
        // The allowance first: released without it, the next look at the counters would lock out again.
        await lockouts.grant(allowance);
        await lockouts.release(row);
        const message = `${grantText(allowance, time)}, by ${allowance.by}`;
        events.record({
          type: 'lockout.released',
          at: now,
          limit: row.limit,
          project: row.project,
          branch: row.branch,
          message,
        });
      }
      const stillLocked = await stillCovering(request, await lockouts.list(), now);
      // Asked for a project that another limit still locks out: what was wanted is not achieved.
      if (stillLocked.length > 0) io.exitCode = 1;
      const result = {
        released: selected.map(toLockoutJson),
        allowances: allowances.map(toAllowanceJson),
        stillLocked: stillLocked.map(toLockoutJson),
      };
      emit(io, options, result, () =>
        selected.map((row, index) => releasedText(row, allowances[index] as Allowance, time)).join(''),
      );
      if (options.json === true) return;
      if (selected.length === 0 && stillLocked.length === 0) io.out(nothingText(rows, request, now));
      for (const row of stillLocked) io.err(stillLockedText(row));
    });
}

function grantOf({ for: duration, extra }: UnlockOptions): UnlockRequest['grant'] {
  if (duration !== undefined && extra !== undefined) {
    throw new ReeveError('USAGE', '--for and --extra exclude each other', { hint: 'give a time or an amount' });
  }
  if (duration !== undefined) {
    const forMs = parseDuration(duration);
    if (forMs === null || forMs === 0) {
      throw new ReeveError('USAGE', `--for wants a duration, not "${duration}"`, { hint: 'for example --for 2h' });
    }
    return { forMs };
  }
  if (extra === undefined) return null;
  const extraMicroUsd = parseUsd(extra);
  if (extraMicroUsd === null || extraMicroUsd === 0) {
    throw new ReeveError('USAGE', `--extra wants dollars, not "${extra}"`, { hint: 'for example --extra 5' });
  }
  return { extraMicroUsd };
}

/** `*`, a path, or the name of a locked-out project; a name that none has is the folder of that name. */
function projectOf(word: string, rows: readonly Lockout[], io: Pick<CliIo, 'cwd'>): string | null {
  if (word === '') throw new ReeveError('USAGE', 'the project is empty', { hint: 'give a path, a name, or .' });
  if (word === '*') return null;
  const isPath = word.includes('/') || word === '.' || word === '..';
  const named = isPath
    ? null
    : projectCalled(
        word,
        rows.flatMap(({ project }) => project ?? []),
        'locked-out projects',
      );
  if (named !== null) return named;
  const path = resolveTyped(io, word);
  // A folder that is gone can still be locked out, under the path it had.
  return existsSync(path) ? placeOf(path).project : path;
}

/** Who mistypes a limit or a branch must not take the project for unlocked. */
function nothingText(rows: readonly Lockout[], request: UnlockRequest, now: number): string {
  const others = selectLockouts(rows, { ...request, limit: null, branch: null }, now);
  if (others.length === 0) return 'nothing is locked out there\n';
  const found = others.map(
    ({ limit, branch }) => `"${plain(limit)}"${branch === null ? '' : ` on ${branchText(branch)}`}`,
  );
  return `nothing of that name is locked out there, but by limit ${found.join(', ')}\n`;
}

function unread(now: number): Pick<LimitReading, 'counters' | 'allowances' | 'now'> {
  return { counters: [], allowances: [], now };
}

/** Lockouts that cover the project still: of other limits, or of all projects. */
async function stillCovering(
  request: UnlockRequest,
  rows: readonly Lockout[],
  now: number,
): Promise<readonly Lockout[]> {
  if (request.project === null || request.limit !== null) return [];
  return coveringLockouts(rows, { project: request.project, branch: request.branch, agent: null }, now);
}

function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    // A user id without an entry in the password file, as in a container.
    return env['USER'] ?? 'unknown';
  }
}

function grantText(
  { extraMicroUsd, expiresAt, grantedAt }: Omit<Allowance, 'id'>,
  time: (epochMs: number) => string,
): string {
  const end = expiresAt === null ? '' : ` until ${time(expiresAt)} (${formatDuration(expiresAt - grantedAt)})`;
  return extraMicroUsd === null ? `lifted${end}` : `${formatUsd(extraMicroUsd)} above the cap allowed${end}`;
}

function releasedText(row: Lockout, allowance: Allowance, time: (epochMs: number) => string): string {
  const where = [row.project ?? '*', ...(row.branch === null ? [] : [branchText(row.branch)])].join(' ');
  return `unlocked ${plain(where)}: limit "${plain(row.limit)}" is ${grantText(allowance, time)}\n`;
}

function stillLockedText(row: Lockout): string {
  const branch = row.branch === null ? '' : ` --branch ${shellWord(row.branch)}`;
  const command = `reeve unlock ${shellWord(row.project ?? '*')}${branch} --limit ${shellWord(row.limit)}`;
  return `reeve: still locked out by limit "${plain(row.limit)}": ${plain(row.reason)}\n  \`${command}\` lifts that\n`;
}

function toAllowanceJson({
  id,
  limit,
  project,
  branch,
  agent,
  extraMicroUsd,
  grantedAt,
  expiresAt,
  by,
}: Allowance): object {
  return {
    id,
    limit,
    project,
    branch: branch ?? '*',
    agent: agent ?? '*',
    by,
    extraUsd: extraMicroUsd === null ? null : toUsd(extraMicroUsd),
    grantedAt: new Date(grantedAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}
