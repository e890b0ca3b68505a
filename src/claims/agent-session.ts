import type { ProcessRow } from '../processes/ports.ts';

/** A process that is an agent. */
export interface AgentProcess {
  /** `claude`, `codex` … */
  readonly kind: string;
  readonly row: ProcessRow;
  /** Real path; null when it cannot be read. */
  readonly cwd: string | null;
}

/** The session that an agent is in, as far as it can be known from outside. */
export interface AgentSession {
  readonly id: string;
  /** Path of its log; null while there is none, or where its place is not known. */
  readonly log: string | null;
  /**
   * - `certain`: the agent, a tool of it or the kernel says so of this very process
   * - `likely`: it began with that session, or its folder's only log that was written since it began is that session's
   */
  readonly certainty: 'certain' | 'likely';
  /** How it is known, for people: `its own registry names it`. */
  readonly knownBy: string;
}

/** Finds out which sessions agents are in, whoever started them. Reads, and changes nothing. */
export interface SessionFinder {
  /** By `identityKey` of each agent's process; those of whom nothing is known are left out. All agents that live are to be given at once. */
  sessionsOf(agents: readonly AgentProcess[]): ReadonlyMap<string, AgentSession>;
  /** The log of a session that some agent has written, by its id, and when it did so last, in epoch ms; null when no log of it is known. */
  logOf(sessionId: string): { readonly path: string; readonly modifiedMs: number } | null;
  /** Whether an agent keeps its logs where that one lies. In doubt it does. */
  mayWrite(agent: AgentProcess, log: string): boolean;
}

/** `it is in session S (log /…/S.jsonl): its own registry names it`; says what is not certain, and what is not known. */
export function describeSession(session: AgentSession | null): string {
  if (session === null) return 'which session it is in is not known';
  const { id, log, certainty, knownBy } = session;
  const place = log === null ? 'no log of it yet' : `log ${log}`;
  return `it is ${certainty === 'certain' ? '' : 'probably '}in session ${id} (${place}): ${knownBy}`;
}
