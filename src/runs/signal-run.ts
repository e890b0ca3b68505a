import { ReeveError } from '../errors.ts';
import { sameRealm } from '../processes/identity.ts';
import type { ProcessTable, Signaller, SignalName } from '../processes/ports.ts';
import { isBetweenAttempts } from './attempts.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';
import { assertNotEnded } from './run-ended.ts';
import { isShimAlive } from './shim-life.ts';

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
  if (started === null) {
    throw new ReeveError('RUN_NOT_RUNNING', `the command of run ${id} has not been started (${current.state})`, {
      where: id,
      hint: 'try again when it runs',
    });
  }
  const { identity } = started;
  if (identity.bootId === table.realm.bootId && !sameRealm(identity, table.realm)) {
    throw new ReeveError('OWNERSHIP_UNPROVEN', `run ${id} lives in another PID namespace`, {
      where: id,
      hint: `Signal it from where it was started: the container or sandbox on ${host}.`,
    });
  }
  const opened = signaller.open(identity);
  if (opened.kind === 'gone') throw exited(record, table);
  if (opened.kind === 'denied') throw denied(id);
  try {
    const outcome = signal === 0 ? 'sent' : opened.handle.send(signal);
    if (outcome === 'gone') throw exited(record, table);
    if (outcome === 'denied') throw denied(id);
  } finally {
    opened.handle.close();
  }
}

/** The record is open all the same: while something of the run lives, or until somebody sees that nothing does. */
function exited({ intent: { id, shim }, current }: RunRecord, table: ProcessTable): ReeveError {
  const started = startedOf(current);
  const command = `the command of run ${id}`;
  if (shim !== null && !isShimAlive(shim, table)) {
    return new ReeveError('RUN_NOT_RUNNING', `${command} is dead, and so is its shim, which would have recorded that`, {
      where: id,
      hint: `\`reeve doctor\` shows what lives on of it; \`reeve stop ${id}\` ends that and closes the record`,
    });
  }
  if (isBetweenAttempts(started))
    return new ReeveError('RUN_NOT_RUNNING', `${command} has exited, and is to be started again`, {
      where: id,
      hint: 'try again when it runs',
    });
  const rest = current.state === 'lingering' ? 'is kept in the background' : 'may still be ended';
  return new ReeveError('RUN_NOT_RUNNING', `${command} has exited; what it left behind ${rest}`, {
    where: id,
    hint: `\`reeve tree ${id}\` shows what lives on of it`,
  });
}

function denied(id: string): ReeveError {
  return new ReeveError('PERMISSION_DENIED', `the command of run ${id} belongs to another user`, {
    where: id,
    hint: 'Act as that user.',
  });
}
