import { describeHolder } from '../claims/claim-errors.ts';
import type { ClaimPorts } from '../claims/acquire.ts';
import type { Claim } from '../claims/claim.ts';
import { readClaim } from '../claims/inspect.ts';
import { findTrespasses, type PlacedAgent, type Trespass } from '../claims/trespass.ts';
import type { Event } from '../events.ts';
import { identityKey } from '../processes/identity.ts';
import { agentKindOf } from '../processes/kinds.ts';
import type { ProcessRow } from '../processes/ports.ts';
import { createUnsupervisedWatch } from '../runs/unsupervised.ts';

/** An agent where it must not be is told of within two of these, in milliseconds. */
const LOOK_MS = 900;
/** Without a new process nothing is looked at but this often: an agent may have changed its folder. */
const FULL_LOOK_EVERY = 30;

export interface CollisionWatch {
  start(): void;
  close(): Promise<void>;
}

/** Tells of agents, whether reeve started them or not, that share a worktree with one that is not of their tree. Each is told of once. */
export function createCollisionWatch(ports: {
  readonly claims: ClaimPorts;
  readonly uid: number;
  readonly record: (event: Event) => void;
  readonly onError: (error: unknown) => void;
}): CollisionWatch {
  const { claims, record } = ports;
  const { table, files, clock } = claims;
  const agents = createUnsupervisedWatch({
    table,
    uid: ports.uid,
    kindOf: ({ argv, exe }) => agentKindOf(argv ?? [], exe),
  });
  let known: readonly ProcessRow[] = [];
  let untilFull = 0;
  let told = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  let underWay: Promise<void> = Promise.resolve();

  return {
    start() {
      timer = setInterval(() => {
        underWay = underWay.then(tick).catch(ports.onError);
      }, LOOK_MS);
    },
    async close() {
      if (timer !== null) clearInterval(timer);
      await underWay;
    },
  };

  async function tick(): Promise<void> {
    untilFull -= 1;
    if (untilFull > 0 && table.listNew?.(known).length === 0) return;
    untilFull = FULL_LOOK_EVERY;
    known = table.list();
    await look();
  }

  async function look(): Promise<void> {
    // Without any live run to be told of, every agent is one that it finds.
    const placed = agents.look([]).flatMap(({ kind, row, cwd }) => place(kind, row, cwd));
    const held = new Map<string, Claim>();
    for (const { worktree } of placed) {
      const view = await readClaim(claims, files.placeOf(worktree));
      if (view.state === 'held' || view.state === 'orphaned') held.set(worktree, view.claim);
    }
    const found = findTrespasses(placed, (worktree) => held.get(worktree) ?? null, table);
    for (const trespass of found) if (!told.has(keyOf(trespass))) record(eventOf(trespass));
    told = new Set(found.map(keyOf));
  }

  function place(kind: string, row: ProcessRow, cwd: string | null): PlacedAgent[] {
    if (cwd === null) return [];
    try {
      return [{ kind, row, cwd, worktree: files.placeOf(cwd).worktree }];
    } catch {
      // Its folder is gone.
      return [];
    }
  }

  function eventOf({ agent: { kind, row, cwd, worktree }, claim, others }: Trespass): Event {
    const at = clock.now();
    const company = others.map((other) => `${other.kind} (PID ${other.row.pid})`).join(', ');
    return {
      type: 'claim.collided',
      at,
      worktree,
      agent: kind,
      pid: row.pid,
      startTicks: row.startTicks,
      cwd,
      runId: claim?.holder.runId ?? null,
      message:
        claim === null ? `nobody claims it; there too: ${company}` : `it is claimed by ${describeHolder(claim, at)}`,
    };
  }
}

function keyOf({ agent: { row, worktree }, claim }: Trespass): string {
  return JSON.stringify([worktree, identityKey(row), claim?.acquiredAt ?? null]);
}
