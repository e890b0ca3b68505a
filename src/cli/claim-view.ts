import { faceOf } from '../claims/claim.ts';
import type { ClaimView } from '../claims/inspect.ts';
import { systemZone } from '../config/zone.ts';
import { timeIn } from './zone-time.ts';
import { paint, plain, type Colour } from './format.ts';
import { renderTable, type TableOptions } from './table.ts';

/** A claim as `--json` gives it. */
export interface ClaimJson {
  readonly worktree: string;
  /** The file that says so. */
  readonly file: string;
  readonly state: Exclude<ClaimView['state'], 'free'>;
  readonly holder: {
    readonly runId: string | null;
    readonly pid: number;
    readonly startTicks: number;
    readonly bootId: string;
    readonly host: string;
    readonly label: string;
  } | null;
  readonly session: string | null;
  readonly token: number | null;
  readonly acquiredAt: string | null;
  /** What shows the state, one sentence. */
  readonly why: string;
}

/** The JSON of a claim; null for a free worktree, which has none. */
export function toClaimJson(view: ClaimView): ClaimJson | null {
  const { place, token, state } = view;
  const shared = { worktree: place.worktree, file: place.file, token };
  if (state === 'free') return null;
  if (state === 'corrupt')
    return { ...shared, state, holder: null, session: null, acquiredAt: null, why: view.error.message };
  const { holder, session, acquiredAt } = view.claim;
  const { runId, host, label, process } = holder;
  return {
    ...shared,
    state,
    holder: { runId, ...pick(faceOf(holder)), bootId: process.bootId, host, label },
    session,
    acquiredAt: new Date(acquiredAt).toISOString(),
    why: view.why,
  };
}

const COLOURS: Readonly<Record<ClaimJson['state'], Colour>> = {
  held: 'green',
  orphaned: 'yellow',
  stale: 'dim',
  corrupt: 'red',
};

/** `reeve claims` for people. */
export function renderClaims(claims: readonly ClaimJson[], options: TableOptions): string {
  if (claims.length === 0) return 'nothing is claimed\n';
  const time = timeIn(systemZone());
  return renderTable(
    [
      { title: 'WORKTREE', value: ({ worktree }) => plain(worktree) },
      { title: 'STATE', value: ({ state }) => paint(state, COLOURS[state], options.color) },
      { title: 'HOLDER', value: ({ holder }) => plain(holder?.label ?? '') },
      { title: 'RUN', value: ({ holder }) => holder?.runId ?? '' },
      { title: 'PID', value: ({ holder }) => (holder === null ? '' : String(holder.pid)), align: 'right' },
      { title: 'SESSION', value: ({ session }) => plain(session ?? '') },
      { title: 'TOKEN', value: ({ token }) => (token === null ? '' : String(token)), align: 'right' },
      { title: 'SINCE', value: ({ acquiredAt }) => (acquiredAt === null ? '' : time(Date.parse(acquiredAt))) },
      { title: 'WHY', value: ({ state, why }) => (state === 'held' ? '' : plain(why)), flexible: true },
    ],
    claims,
    options,
  );
}

function pick({ pid, startTicks }: ReturnType<typeof faceOf>): { readonly pid: number; readonly startTicks: number } {
  return { pid, startTicks };
}
