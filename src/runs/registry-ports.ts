import type { Clock } from '../clock.ts';
import type { Event } from '../events.ts';
import type { Identity, Realm } from '../processes/identity.ts';
import type { MemberVia } from '../processes/tree-spec.ts';
import type { RunStore } from './ports.ts';
import type { RunId, RunRecord } from './record.ts';
import type { RunIds } from './run-id.ts';
import type { RunWatch } from './run-watch.ts';

/** Who has a PID at the moment of asking. */
export interface ObservedProcess {
  readonly identity: Identity;
  readonly processGroupId: number;
  readonly sessionId: number;
  /** Epoch ms, as exact as the system clock was left alone since. */
  readonly startedAt: number;
  /** Clock ticks since boot at the moment of asking; absent where that is unknown. */
  readonly seenTicks?: number;
}

/** A living process of a run, and what shows that it belongs. */
export interface SeenProcess {
  readonly pid: number;
  readonly startTicks: number;
  readonly comm: string;
  readonly via: MemberVia;
}

/** One look at all processes: every record is compared with the same moment. */
export interface Survey {
  isAlive(identity: Identity): boolean;
  /** Living members of a run's tree. */
  membersOf(record: RunRecord): readonly SeenProcess[];
  /** PIDs of living processes that may be of a run's tree, and that /proc hides. Absent: nothing is hidden. */
  suspectsOf?(record: RunRecord): readonly number[];
  /** Null: unreadable, or gone. */
  cwdOf(pid: number): string | null;
}

/** Says what is true of processes. Signals nothing. */
export interface Verifier {
  /** Where it looks from. */
  readonly realm: Realm;
  /** Null: nobody has this PID, or it cannot be read. */
  observe(pid: number): ObservedProcess | null;
  survey(): Survey;
}

/** What a soft interrupt would send INT to, or why it can send none. */
export type InterruptPlan =
  | { readonly kind: 'signal'; readonly processes: readonly SeenProcess[] }
  /** Nothing of it lives. */
  | { readonly kind: 'stale'; readonly why: string }
  /** It cannot be asked; `elsewhere`: nor ended from here. */
  | { readonly kind: 'unavailable'; readonly why: string; readonly elsewhere: boolean };

/** Reaches processes. `active` are all active runs: of a tree, what belongs to another run is spared. */
export interface Interrupter {
  /** Signals nothing. */
  plan(record: RunRecord, active: readonly RunRecord[]): InterruptPlan;
  /** The whole tree of a run, which a stop would end. Signals nothing. */
  treeOf(record: RunRecord): readonly SeenProcess[];
  /** Sends INT as the plan of this moment says. */
  signal(record: RunRecord, active: readonly RunRecord[]): InterruptPlan;
  /** Resolves true as soon as the run's command is dead, or nothing of a run without one is left; false after `timeoutMs`. */
  awaitDeath(record: RunRecord, timeoutMs: number): Promise<boolean>;
  /** Whether the run's shim lives, which ends what the command left and then the record. */
  hasLivingShim(record: RunRecord): boolean;
  /** Ends the whole tree, verified, with reason `interrupt`, and gives the record as it is then. */
  stop(record: RunRecord, request: HardRequest): Promise<StoppedHard>;
}

export interface HardRequest {
  readonly message: string | null;
  /** Time between TERM and KILL in milliseconds. */
  readonly graceMs: number;
}

export interface StoppedHard {
  readonly record: RunRecord;
  readonly provenEmpty: boolean;
}

/** Where the registry reports what goes wrong out of its caller's sight. */
export interface Logger {
  warn(message: string, details: { readonly runId?: RunId; readonly error: unknown }): void;
}

/** Where a folder lies. @throws FOLDER_NOT_FOUND */
export type PlaceOf = (cwd: string) => {
  readonly worktree: string | null;
  readonly project: string;
  readonly branch: string | null;
};

/** Everything that a registry is built on; `library-registry.ts` fills in what the caller leaves out. */
export interface RegistryPorts {
  readonly runs: RunStore;
  /** False: the runs live in this process alone, and there is nothing to reconcile. */
  readonly durable: boolean;
  readonly verifier: Verifier;
  readonly interrupter: Interrupter;
  /** Calls back when a watched run's process has died. */
  readonly watch: (onDeath: () => void) => RunWatch;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told of the starts that are registered, and of the ends that are written here. */
  readonly announce?: ((event: Extract<Event, { type: 'run.started' | 'run.exited' }>) => void) | undefined;
  /** This process: it speaks for the runs that it registers. */
  readonly registrant: Identity;
  /** On whose behalf they are registered. */
  readonly startedBy: { readonly pid: number; readonly startTicks: number };
  readonly ids: RunIds;
  readonly placeOf: PlaceOf;
  readonly agentOf: (argv: readonly string[]) => string | null;
  /** `REEVE_RUN` of this process: the run that it is part of. */
  readonly outerCookie: string | null;
  readonly host: string;
  readonly protocol: number;
}
