import { ReeveError } from '../errors.ts';
import { sameRealm } from '../processes/identity.ts';
import type { ProcessTable, Signaller, SignalName } from '../processes/ports.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';
import { assertNotEnded } from './run-ended.ts';

/** What one process may be sent by name. */
const PLAIN_SIGNALS: readonly SignalName[] = [
  'TERM',
  'INT',
  'HUP',
  'QUIT',
  'ABRT',
  'USR1',
  'USR2',
  'ALRM',
  'WINCH',
  'TSTP',
  'CONT',
];

/** A signal to a run's command; 0 only asks whether it lives. */
export type PlainSignal = SignalName | 0;

/**
 * Reads a signal's name, with or without SIG, in any case; `0` probes.
 * @throws SIGNAL_REFUSED for KILL and STOP, which no command can answer to and which a tree must get as a whole; USAGE for anything else
 */
export function parseSignal(text: string): PlainSignal {
  if (text === '0') return 0;
  const name = text.toUpperCase().replace(/^SIG/u, '');
  if (name === 'KILL' || name === 'STOP') {
    throw new ReeveError('SIGNAL_REFUSED', `${name} is not sent to a single process of a run`, {
      hint:
        name === 'KILL' ? '`reeve stop` ends the whole tree, and proves it.' : '`reeve pause` freezes the whole tree.',
    });
  }
  const found = PLAIN_SIGNALS.find((known) => known === name);
  if (found !== undefined) return found;
  throw new ReeveError('USAGE', `there is no signal "${text}" to send`, {
    hint: `It is one of ${PLAIN_SIGNALS.join(', ')}, or 0 to ask whether the command lives.`,
  });
}

/**
 * Sends a signal to the run's command itself; its children get it only from the command.
 * @throws RUN_ENDED; RUN_NOT_RUNNING when the command has no process (yet, or any more), OWNERSHIP_UNPROVEN from another PID namespace,
 *   PERMISSION_DENIED, SIGNAL_REFUSED when it is an ancestor of this process
 */
export function signalRun(
  { table, signaller }: { readonly table: ProcessTable; readonly signaller: Signaller },
  record: RunRecord,
  signal: PlainSignal,
): void {
  assertNotEnded(record);
  const { id, host } = record.intent;
  const { current } = record;
  const started = startedOf(current);
  if (started === null) throw notRunning(id, current.state);
  const { identity } = started;
  if (identity.bootId === table.realm.bootId && !sameRealm(identity, table.realm)) {
    throw new ReeveError('OWNERSHIP_UNPROVEN', `run ${id} lives in another PID namespace`, {
      where: id,
      hint: `Signal it from where it was started: the container or sandbox on ${host}.`,
    });
  }
  const opened = signaller.open(identity);
  if (opened.kind === 'gone') throw notRunning(id, current.state);
  if (opened.kind === 'denied') throw denied(id);
  try {
    const outcome = signal === 0 ? 'sent' : opened.handle.send(signal);
    if (outcome === 'gone') throw notRunning(id, current.state);
    if (outcome === 'denied') throw denied(id);
  } finally {
    opened.handle.close();
  }
}

function notRunning(id: string, state: string): ReeveError {
  return new ReeveError('RUN_NOT_RUNNING', `the command of run ${id} is not running (${state})`, {
    where: id,
    hint: `reeve inspect ${id}`,
  });
}

function denied(id: string): ReeveError {
  return new ReeveError('PERMISSION_DENIED', `the command of run ${id} belongs to another user`, {
    where: id,
    hint: 'Act as that user.',
  });
}
