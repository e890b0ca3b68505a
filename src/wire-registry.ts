import { hostname } from 'node:os';
import type { Clock } from './clock.ts';
import { elapsedSince } from './daemon/elapsed.ts';
import { systemClock } from './host/clock.ts';
import { placeOf } from './host/git-place.ts';
import { systemRandom } from './host/random.ts';
import { PROTOCOL } from './ipc/protocol.ts';
import type { Identity } from './processes/identity.ts';
import { agentKindOf } from './processes/kinds.ts';
import type { Processes } from './processes/ports.ts';
import { COOKIE_VARIABLE } from './processes/tree-spec.ts';
import type { RunStore } from './runs/ports.ts';
import type { RunClaims } from './runs/run-claims.ts';
import { createRegistryOver, type Registry } from './runs/registry.ts';
import type { Interrupter, Logger, RegistryPorts, Verifier } from './runs/registry-ports.ts';
import { createRunIds } from './runs/run-id.ts';
import { createRunWatch } from './runs/run-watch.ts';
import { createTableVerifier } from './runs/survey.ts';
import { createTableInterrupter } from './runs/table-interrupter.ts';

/** What the library and the command line build a registry from. */
export interface RegistryParts {
  readonly runs: RunStore;
  /** False: the store is of this process alone. */
  readonly durable: boolean;
  readonly processes: Processes;
  /** Who speaks for what is registered. */
  readonly registrant: Identity;
  readonly startedBy: { readonly pid: number; readonly startTicks: number };
  readonly env: NodeJS.ProcessEnv;
  readonly verifier?: Verifier;
  readonly interrupter?: Interrupter;
  readonly clock?: Clock;
  readonly logger?: Logger;
  /** The worktrees of runs that a hard interrupt ends. @defaultValue none: they are found stale by the next who wants them */
  readonly claims?: RunClaims;
  /** Told of the starts that are registered, and of the ends that are written here. @defaultValue nobody is */
  readonly announce?: RegistryPorts['announce'];
  /** Processes that belong to no run: the daemon. */
  readonly exclude?: () => readonly Identity[];
}

const UNWATCHED = 'the ends of recovered runs are not noticed until the next `reconcileBoot`';
const SILENT: Logger = { warn: () => {} };

/** A registry over this machine's processes, where nothing else is given. */
export function wireRegistry(parts: RegistryParts): Registry {
  const { runs, claims, exclude = () => [] } = parts;
  const { table, signaller, self } = parts.processes;
  const clock = parts.clock ?? systemClock;
  const host = hostname();
  const logger = parts.logger ?? SILENT;
  const ageMs = elapsedSince(table.ticksPerSecond, self.startTicks);
  const startedAtOf = (startTicks: number): number => Math.round(Date.now() - ageMs(startTicks));
  return createRegistryOver({
    runs,
    durable: parts.durable,
    verifier: parts.verifier ?? createTableVerifier({ table, startedAtOf, exclude }),
    interrupter:
      parts.interrupter ??
      createTableInterrupter({ runs, table, signaller, self, clock, host, exclude, ...(claims && { claims }) }),
    watch: (onDeath) => createRunWatch(signaller, { onDeath, onError: (error) => logger.warn(UNWATCHED, { error }) }),
    clock,
    logger,
    announce: parts.announce,
    registrant: parts.registrant,
    startedBy: parts.startedBy,
    ids: createRunIds(systemRandom),
    placeOf,
    agentOf: (argv) => agentKindOf(argv),
    outerCookie: parts.env[COOKIE_VARIABLE] || null,
    host,
    protocol: PROTOCOL,
  });
}
