// Races with others on one run after another: tries to bring it to an end, or to keep it going. argv: database, what it wants.
import { ReeveError } from '../../../src/errors.ts';
import type { RunId } from '../../../src/runs/record.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { applyEvent } from '../../../src/runs/apply-event.ts';
import type { RunEvent } from '../../../src/runs/run-event.ts';
import { openAt } from '../rig.ts';

const [, , path = '', wish = ''] = process.argv;
const store = await openAt(path);
const ports = { runs: store.runs, clock: systemClock };
const events: Readonly<Record<string, RunEvent>> = {
  complete: { type: 'emptied', exit: { exitCode: 0, signal: null }, error: wish, at: 9 },
  stop: { type: 'stop-requested', stop: { reason: 'stop', message: wish, requestedAt: 9 } },
};

process.on('message', (id: RunId) => void act(id));
process.send?.('ready');

async function act(id: RunId): Promise<void> {
  const event = events[wish.split('-')[0] ?? ''];
  if (event === undefined) throw new Error(`no wish ${wish}`);
  try {
    await applyEvent(ports, id, event);
    process.send?.('done');
  } catch (error) {
    process.send?.(error instanceof ReeveError ? error.code : String(error));
  }
}
