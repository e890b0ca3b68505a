import { identityIn, identityKey, type Identity } from '../processes/identity.ts';
import type { ProcessRow, ProcessTable } from '../processes/ports.ts';
import { COOKIE_VARIABLE } from '../processes/tree-spec.ts';
import type { AgentProcess, AgentSession } from './agent-session.ts';
import type { Claim } from './claim.ts';
import { isInTree, runsOf } from './see-tree.ts';

/** An agent, and the worktree that it works in. */
export interface PlacedAgent extends AgentProcess {
  readonly cwd: string;
  /** Null when it is not known. */
  readonly session: AgentSession | null;
  /** Real path of the worktree's root, or outside git of the folder itself. */
  readonly worktree: string;
}

/** An agent that works where it should not be alone with another. */
export interface Trespass {
  readonly agent: PlacedAgent;
  /** The claim that it disregards; null: nobody claims the worktree, and others work there too. */
  readonly claim: Claim | null;
  readonly others: readonly PlacedAgent[];
}

/**
 * Agents that share a worktree without being of one tree. Where it is claimed, all but the holder's own trespass; where it is not, all
 * do, for nobody has more right to it than the others.
 * @param claimOf the claim on a worktree, if its holder is not gone
 */
export function findTrespasses(
  agents: readonly PlacedAgent[],
  claimOf: (worktree: string) => Claim | null,
  table: ProcessTable,
): readonly Trespass[] {
  const byWorktree = Map.groupBy(agents, ({ worktree }) => worktree);
  return [...byWorktree].flatMap(([worktree, here]): readonly Trespass[] => {
    const claim = claimOf(worktree);
    if (claim !== null) {
      return here
        .filter(({ row }) => !isInTree(claim.holder, identityIn(table.realm, row), table))
        .map((agent) => ({ agent, claim, others: here.filter((other) => other !== agent) }));
    }
    const groups = new Set(here.map(({ row }) => groupOf(row, here, table)));
    if (groups.size < 2) return [];
    return here.map((agent) => ({ agent, claim, others: here.filter((other) => other !== agent) }));
  });
}

/** What agents of one tree have in common: the outermost run, or the outermost agent among them. */
function groupOf(row: ProcessRow, agents: readonly PlacedAgent[], table: ProcessTable): string {
  const cookie = table.environment(row.pid, COOKIE_VARIABLE);
  const [run] = cookie.kind === 'value' ? runsOf(cookie.value) : [];
  if (run !== undefined) return run;
  const known = new Set(agents.map((agent) => identityKey(agent.row)));
  let outermost: Pick<Identity, 'pid' | 'startTicks'> = row;
  for (let at = table.read(row.ppid); at !== null && at.pid > 1; at = table.read(at.ppid))
    if (known.has(identityKey(at))) outermost = at;
  return identityKey(outermost);
}
