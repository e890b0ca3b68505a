import type { ClaimPorts } from '../claims/acquire.ts';
import { agentsInSight } from '../claims/survey.ts';
import type { Event } from '../events.ts';
import { createAgentSessions } from '../host/agent-sessions.ts';
import type { RunRecord } from '../runs/record.ts';
import { createCollisionWatch } from './collision-watch.ts';
import type { Look } from './look-schedule.ts';
import { createProcessLooks } from './process-looks.ts';
import { createRunLogFolders } from './run-log-folders.ts';

/** All that the daemon notices by looking at the processes, since nobody tells it. */
export interface Lookouts {
  /** Folders in which agents of live runs log, and that no record names. */
  readonly foundFolders: readonly string[];
  start(): void;
  /** No look begins any more. */
  close(): void;
  /** Resolves when all that was seen is told of. */
  settled(): Promise<void>;
}

export interface LookoutPorts {
  readonly claims: ClaimPorts;
  /** Where the agents of this user log. */
  readonly configDirs: () => readonly string[];
  /** The active runs, as last seen. */
  readonly live: () => readonly RunRecord[];
  /** Looks for agents that reeve did not start. */
  readonly viewUnsupervised: (look: Look) => void;
  /** A live run logs in a folder that nobody knew of. */
  readonly onFolder: () => void;
  readonly record: (event: Event) => void;
  readonly shout: (text: string) => void;
}

export function createLookouts(ports: LookoutPorts): Lookouts {
  const { claims, configDirs, live, record, shout } = ports;
  const { table, clock } = claims;
  const runFolders = createRunLogFolders(table);
  const collisions = createCollisionWatch({
    claims,
    sessions: createAgentSessions({ table, rows: () => looks.rows, clock, configDirs }),
    uid: agentsInSight(claims.uid),
    record,
    onError: (error) => shout(`agents in one worktree were not looked for: ${String(error)}`),
  });
  const looks = createProcessLooks({
    table,
    viewers: [
      collisions.view,
      ports.viewUnsupervised,
      (look) => {
        if (runFolders.view(look, live())) ports.onFolder();
      },
    ],
    onError: (error) => shout(`the processes were not looked at: ${String(error)}`),
  });
  return {
    get foundFolders() {
      return runFolders.folders;
    },
    start: looks.start,
    close: looks.close,
    settled: collisions.settled,
  };
}
