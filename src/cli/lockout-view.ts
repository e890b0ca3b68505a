import { formatTokens, formatUsd, toUsd } from '../limits/amount.ts';
import { basename } from '../limits/glob.ts';
import { NO_BRANCH } from '../limits/lockout.ts';
import type { Lockout } from '../limits/lockout.ts';
import { plain } from './format.ts';
import { renderTable } from './table.ts';
import type { TableOptions } from './table.ts';
import { timeIn } from './zone-time.ts';

/** A lockout as `--json` gives it: `*` for any, money in dollars, times in ISO 8601. */
export interface LockoutJson {
  readonly project: string;
  readonly branch: string;
  readonly agent: string;
  readonly limit: string;
  readonly period: Lockout['period'];
  readonly action: Lockout['action'];
  readonly reason: string;
  readonly capUsd: number | null;
  readonly currentUsd: number | null;
  readonly capTokens: number | null;
  readonly currentTokens: number | null;
  readonly lockedAt: string;
  readonly expiresAt: string | null;
}

export function toLockoutJson(lockout: Lockout): LockoutJson {
  const { project, branch, agent, limit, period, action, reason, capTokens, currentTokens } = lockout;
  return {
    project: project ?? '*',
    branch: branch ?? '*',
    agent: agent ?? '*',
    limit,
    period,
    action,
    reason,
    capUsd: lockout.capMicroUsd === null ? null : toUsd(lockout.capMicroUsd),
    currentUsd: lockout.currentMicroUsd === null ? null : toUsd(lockout.currentMicroUsd),
    capTokens,
    currentTokens,
    lockedAt: isoTime(lockout.lockedAt),
    expiresAt: lockout.expiresAt === null ? null : isoTime(lockout.expiresAt),
  };
}

/** `reeve lockouts` for people. */
export function renderLockouts(
  lockouts: readonly Lockout[],
  options: TableOptions & { readonly timeZone: string },
): string {
  if (lockouts.length === 0) return 'nothing is locked out\n';
  const time = timeIn(options.timeZone);
  return renderTable(
    [
      { title: 'PROJECT', value: ({ project }) => (project === null ? '*' : plain(basename(project))) },
      { title: 'BRANCH', value: ({ branch }) => branchText(branch) },
      { title: 'AGENT', value: ({ agent }) => agent ?? '*' },
      { title: 'LIMIT', value: ({ limit }) => plain(limit) },
      { title: 'SINCE', value: ({ lockedAt }) => time(lockedAt) },
      { title: 'UNTIL', value: ({ expiresAt }) => (expiresAt === null ? 'unlocked' : time(expiresAt)) },
      { title: 'REASON', value: ({ reason }) => plain(reason), flexible: true },
    ],
    lockouts,
    options,
  );
}

/** `*`, `main`, or what stands for no branch. */
export function branchText(branch: string | null): string {
  if (branch === null) return '*';
  return branch === NO_BRANCH ? '(no branch)' : plain(branch);
}

/**
 * The spend and cap of a counter: `$2.60/$5.00`, `1,200/5,000 tokens`; empty without a cap. `$2.60 + ?/$5.00` where something has no price.
 */
export function usedText(
  current: { readonly usd: number | null; readonly tokens: number | null; readonly isUnpriced?: boolean },
  cap: Pick<typeof current, 'usd' | 'tokens'>,
): string {
  const more = current.isUnpriced === true ? ' + ?' : '';
  return [
    ...(cap.usd === null ? [] : [`${formatUsd(current.usd ?? 0)}${more}/${formatUsd(cap.usd)}`]),
    ...(cap.tokens === null ? [] : [`${formatTokens(current.tokens ?? 0)}/${formatTokens(cap.tokens)} tokens`]),
  ].join(', ');
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
