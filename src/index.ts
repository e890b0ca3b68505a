/**
 * reeve as a library: verified kills, process search, budget enforcement and the stores behind it. Everything here is public and follows
 * semantic versioning; nothing else is.
 *
 * @packageDocumentation
 */

// Processes: find them, end them, prove it.
export { descendants, findProcesses, identityOf, killVerified } from './library.ts';
export type { Identity, Realm } from './processes/identity.ts';
export type { SignalName } from './processes/ports.ts';
export type { MemberVia } from './processes/tree-spec.ts';
export type { FoundProcess, KillOptions, ProcessQuery } from './processes/kill.ts';
export type { Receipt, SignalledProcess, Survivor, Unproven } from './processes/receipt.ts';

// Processes of one's own program, each owned with its whole tree.
export { createService } from './library-service.ts';
export type { ProcessServiceOptions } from './library-service.ts';
export type { OutputListener, RunToEndOptions, Service, ServiceOptions, StartOptions } from './service/service.ts';
export type { ServiceRun } from './service/service-run.ts';
export type { OutputStreamName, ServiceEvent } from './service/events.ts';
export { exec } from './library-exec.ts';
export type { ByteSink, ExecCommand, ExecFields, ExecInput, ExecLogger, StartedExec } from './service/exec.ts';
export { CommandFailed } from './service/command-failed.ts';
export { DEFAULT_RING_BYTES, OutputRing } from './service/output-ring.ts';

// Ownership: who started what, scoped interrupts, and what a restart finds.
export { createRegistry } from './library-registry.ts';
export type { ProgramRegistry, RegistryOptions, SpawnedRun, SpawnRequest } from './library-registry.ts';
export type { ListQuery, Registry, RunHandle } from './runs/registry.ts';
export type { LiveInterrupt, NamedProcess, RegisterRequest } from './runs/registration.ts';
export type { Checkpoint, Completion } from './runs/checkpoint.ts';
export type { InterruptedRun, InterruptReport, InterruptRequest } from './runs/interrupt.ts';
export type { RunScope } from './runs/interrupt-scope.ts';
export type { MemberEvidence, Reconciliation, RunFinding } from './runs/reconcile.ts';
export type {
  HardRequest,
  Interrupter,
  InterruptPlan,
  Logger,
  ObservedProcess,
  SeenProcess,
  StoppedHard,
  Survey,
  Verifier,
} from './runs/registry-ports.ts';

// Everything that happens in a home.
export { followEvents } from './library-events.ts';
export type { FollowEventsOptions } from './library-events.ts';
export type { Event } from './events.ts';

// Claims: one holder per worktree.
export { createClaims } from './library-claims.ts';
export type { AcquireOptions, Claims, ClaimsOptions, SearchOptions } from './library-claims.ts';
export type { HeldClaim } from './claims/acquire.ts';
export type { Claim, ClaimToken, Holder, Leader } from './claims/claim.ts';
export type { ClaimCollision } from './claims/collisions.ts';
export type { ClaimView } from './claims/inspect.ts';
export type { ClaimPlace, ClaimRow, ClaimStore } from './claims/ports.ts';

// Limits: what happens when a budget is breached.
export { createEnforcer } from './limits/enforcer.ts';
export type { BreachInput, Enforcer, EnforcerPorts, Killer, StopReport } from './limits/enforcer.ts';
export type { Period, Selection } from './limits/limit.ts';
export type { Allowance, Lockout, LockoutKey, Place } from './limits/lockout.ts';
export type { LockoutStore } from './limits/ports.ts';
export type { Warning, WarningQuery } from './limits/warning.ts';

// Stores: the same ports on SQLite, or in memory for tests.
export { createMemoryStore } from './store/memory/open.ts';
export { openSqliteStore } from './store/sqlite/open.ts';
export type { StoreOptions } from './store/sqlite/open.ts';
export type { Store } from './store/store.ts';
export type { FirstState, RunQuery, RunStore } from './runs/ports.ts';
export type { LedgerStore } from './usage/ports.ts';
export type {
  EndReason,
  Owner,
  RunCaps,
  RunExit,
  RunId,
  RunIntent,
  RunOutcome,
  RunRecord,
  RunState,
  RunStateName,
  Source,
} from './runs/record.ts';

// Time, and what goes wrong.
export { systemClock } from './host/clock.ts';
export type { Clock } from './clock.ts';
export { ERROR_EXIT_CODES, ReeveError } from './errors.ts';
export type { ErrorCode, ReeveErrorOptions } from './errors.ts';
