import { formatCost, formatTokens } from '../limits/amount.ts';
import { toWarningJson, type Warning } from '../limits/warning.ts';
import { outcomeOf, startedOf } from '../runs/lifecycle.ts';
import { toRunJson, type RunUsage } from '../runs/view.ts';
import { agentKindOf } from '../processes/kinds.ts';
import type { Receipt } from '../processes/receipt.ts';
import type { RunIntent } from '../runs/record.ts';
import type { Ending } from './ending.ts';

/** What a run has spent, and the runs inside it: the two are never in one figure, so that nobody counts the same money twice. Null: unmetered. */
export interface Spent {
  readonly own: RunUsage | null;
  readonly inside: RunUsage | null;
}

/** One line for people: `claude exited 0 after 12.0 s · $0.06, 12,345 tokens, 1 turn · swept 3 processes it left behind`. */
export function summaryLine(ending: Ending, { own, inside }: Spent, now: number): string {
  const spentInside = usageText(inside);
  const spent = [usageText(own), spentInside === null ? null : `${spentInside} in runs inside it`];
  return [howItEnded(ending, now), ...spent, ...ending.receipts.map(swept), keptOrSurvived(ending)]
    .filter((part) => part !== null)
    .join(' · ');
}

/** The same for programs, with every proof: what `--report` writes, as JSON. */
export function reportText(
  ending: Ending,
  { usage, warnings }: { readonly usage: RunUsage | null; readonly warnings: readonly Warning[] },
): string {
  const report = {
    run: toRunJson(ending.record, usage),
    exit: ending.exit,
    receipts: ending.receipts,
    survivors: ending.survivors,
    warnings: warnings.map(toWarningJson),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

/**
 * What a capped run has to be told when nothing that its agent spent was seen: a cap that measured nothing held nothing. Null when something was
 * seen, of a run inside it too, or when no agent is among the words of the command.
 */
export function unseenSpend({ record: { intent } }: Ending, { own, inside }: Spent): string | null {
  if (own !== null || inside !== null || !isSpendCapped(intent)) return null;
  const words = [intent.command, ...intent.args];
  const agent = intent.agent ?? words.map((word) => agentKindOf([word])).find((kind) => kind !== null);
  if (agent === undefined) return null;
  const places = intent.logRoots?.join(', ') ?? 'no folder';
  return `no spend of ${agent} was seen, so its cap was not put to the test (logs were looked for in ${places}); if it logs elsewhere, give --env CLAUDE_CONFIG_DIR=…`;
}

/** True when the run itself was given a cap of money or tokens. */
export function isSpendCapped({ caps }: RunIntent): boolean {
  return caps.maxCostMicroUsd !== null || caps.maxTokens !== null;
}

function howItEnded({ record, exit }: Ending, now: number): string {
  const outcome = outcomeOf(record.current);
  const started = startedOf(record.current);
  const startedAt = started?.restarts?.first.startedAt ?? started?.startedAt ?? record.intent.createdAt;
  const restarts = started?.restarts?.count ?? 0;
  const after = `after ${duration((outcome?.completedAt ?? now) - startedAt)}${restarts > 0 ? ` and ${restarts} ${restarts === 1 ? 'restart' : 'restarts'}` : ''}`;
  const how = exit.signal === null ? `exited ${exit.exitCode}` : `was ended by ${exit.signal}`;
  const why = outcome?.error;
  return `${record.intent.name ?? record.intent.command} ${how} ${after}${why ? ` (${why})` : ''}`;
}

function usageText(usage: RunUsage | null): string | null {
  if (usage === null || usage.tokens === 0) return null;
  const turns = `${usage.turns} ${usage.turns === 1 ? 'turn' : 'turns'}`;
  const cost = usage.costMicroUsd === null ? 'cost unknown' : formatCost(usage);
  return `${cost}, ${formatTokens(usage.tokens)} tokens, ${turns}`;
}

function swept({ reason, signalled, escalated }: Receipt): string {
  const what = `${signalled.length} ${signalled.length === 1 ? 'process' : 'processes'}`;
  const hard = escalated ? `, ${signalled.filter(({ signals }) => signals.includes('KILL')).length} by KILL` : '';
  return reason === 'sweep' ? `swept ${what} it left behind${hard}` : `stopped ${what}${hard}`;
}

function keptOrSurvived({ record, survivors }: Ending): string | null {
  if (survivors.length > 0) {
    const list = survivors.map(({ pid, comm, why }) => `${comm} (${pid}): ${why}`).join('; ');
    return `STILL ALIVE: ${list}; \`reeve stop ${record.intent.id}\` tries again`;
  }
  return record.current.state === 'lingering' ? `lingers in the background as ${record.intent.id}` : null;
}

function duration(ms: number): string {
  return ms < 60_000
    ? `${(ms / 1_000).toFixed(1)} s`
    : `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
