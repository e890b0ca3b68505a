import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openClaudeScratch, type TreeRole } from '../test/rig/claude.ts';
import { startClaude } from '../test/rig/claude-process.ts';
import { isAlive, type LiveProcess } from '../test/rig/live-processes.ts';
import { TREE_PROMPT, treeScript } from '../test/rig/tree-script.ts';

/** How long orphans get to notice that their agent is gone, in milliseconds: the survivors do not. */
const SETTLE_MS = 1_500;

export type Tree = Readonly<Record<TreeRole, LiveProcess>>;

/** What a plain TERM did to an agent, measured. */
export interface PlainTerm {
  readonly exitCode: number | null;
  readonly elapsedMs: number;
  /** Everything of the agent that lives on. */
  readonly alive: readonly LiveProcess[];
  readonly tree: Tree;
  /** Roles of the tree that live on. */
  readonly survivors: ReadonlySet<TreeRole>;
}

/**
 * Starts the agent as one does without reeve, sends TERM to it alone once its whole tree is up, and looks at what lives on. Nothing of it
 * is left afterwards: the scratch ends the survivors by identity.
 *
 * @param beforeTerm awaited between the tree being up and the signal
 */
export async function measurePlainTerm(beforeTerm: (agentPid: number) => Promise<void>): Promise<PlainTerm> {
  await using scratch = await openClaudeScratch((mark) => treeScript(mark));
  const agent = startClaude(scratch, TREE_PROMPT);
  const exited = once(agent, 'exit') as Promise<[number | null]>;
  const tree = await scratch.treeUp();
  await beforeTerm(agent.pid ?? 0);
  const sentAt = performance.now();
  agent.kill('SIGTERM');
  const [exitCode] = await exited;
  const elapsedMs = performance.now() - sentAt;
  await sleep(SETTLE_MS);
  const roles = Object.keys(tree) as TreeRole[];
  const survivors = new Set(roles.filter((role) => isAlive(tree[role])));
  return { exitCode, elapsedMs, alive: scratch.living(), tree, survivors };
}
