import { TREE_ROLES } from '../test/rig/claude.ts';
import type { PlainTerm, Tree } from './plain-term.ts';
import type { Screen } from './screen.ts';

/** The part of a receipt that the comparison reads. */
export interface ShownReceipt {
  readonly signalled: readonly {
    readonly pid: number;
    readonly startTicks: number;
    readonly diedMs: number | null;
  }[];
  readonly survivors: readonly { readonly pid: number }[];
}

const ROLE_WIDTH = 20;
const COLUMN_WIDTH = 18;

/** One line per role of the tree: what became of it under a plain TERM, and what the receipt says about it. */
export function showSideBySide(
  screen: Screen,
  plain: PlainTerm,
  stopped: { readonly tree: Tree; readonly receipts: readonly ShownReceipt[] },
): void {
  const { paint, line } = screen;
  line(paint('dim', `  ${''.padEnd(ROLE_WIDTH)}${'plain TERM'.padEnd(COLUMN_WIDTH)}reeve`));
  for (const role of TREE_ROLES) {
    const left = plain.survivors.has(role)
      ? paint('red', 'still running'.padEnd(COLUMN_WIDTH))
      : 'ended'.padEnd(COLUMN_WIDTH);
    const { pid, startTicks } = stopped.tree[role];
    const entry = stopped.receipts
      .flatMap(({ signalled }) => signalled)
      .find((candidate) => candidate.pid === pid && candidate.startTicks === startTicks);
    const right = entry === undefined ? 'ended' : paint('green', `ended, after ${entry.diedMs} ms`);
    line(`  ${role.padEnd(ROLE_WIDTH)}${left}${right}`);
  }
}
