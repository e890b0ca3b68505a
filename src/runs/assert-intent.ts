import { ReeveError } from '../errors.ts';
import { plain } from '../plain.ts';
import { SOURCES, type RunId, type RunIntent } from './record.ts';
import { canonicalRunId, isRunId, runIdOfCookie } from './run-id.ts';

/**
 * What every store checks before it writes an intent: a record that cannot be found again must not be written.
 * @throws USAGE naming the field
 */
export function assertIntent(intent: RunIntent): void {
  if (!isRunId(intent.id)) throw refused('id', intent.id, 'a run id is run_ and a ULID');
  if (!(SOURCES as readonly string[]).includes(intent.source)) {
    throw refused('source', intent.source, `a source is one of ${SOURCES.join(', ')}`);
  }
  if (runIdOfCookie(intent.cookie) !== intent.id)
    throw refused('cookie', intent.cookie, 'a cookie ends with its run id and a nonce');
  if ((intent.shim === null) !== (intent.registrant !== undefined))
    throw refused('shim', String(intent.shim?.pid), 'a run has a shim, or someone who registered it');
  if (intent.name?.trim() === '') throw refused('name', intent.name, 'leave it out instead');
  // Names stand in messages and summaries on terminals, where these characters act.
  if (intent.name !== null && /\p{Cc}/u.test(intent.name))
    throw refused('name', intent.name, 'a name is one line, without control characters');
  // Who stops a run by its id must never reach another by its name.
  if (intent.name !== null && isRunId(canonicalRunId(intent.name)))
    throw refused('name', intent.name, 'it reads like the id of a run');
}

/**
 * RUN_EXISTS: the id is taken, or an active run carries the name.
 * @param holder the run that stands in the way
 */
export function runExists(intent: RunIntent, holder: RunId): ReeveError {
  return holder === intent.id
    ? new ReeveError('RUN_EXISTS', `run ${holder} exists already`, { where: holder, hint: 'Take another id.' })
    : new ReeveError('RUN_EXISTS', `a run named "${intent.name}" is active`, {
        where: holder,
        hint: `Take another name, or stop it first: reeve stop ${holder}`,
      });
}

function refused(field: string, value: string, hint: string): ReeveError {
  return new ReeveError('USAGE', `a run cannot have the ${field} "${plain(value)}"`, { hint, where: field });
}
