import { millisecondsSinceBoot } from '../host/boot-clock.ts';
import { formatDuration } from '../limits/duration.ts';
import { pausedMsOf } from '../runs/paused-time.ts';
import { startAlarm } from './alarm.ts';
import type { Supervisor } from './supervisor.ts';

/** How often the clock of a paused run is looked at when little of its time is left, in milliseconds. */
const PAUSED_LOOK_MS = 250;

/**
 * Cap on the time of a run, pauses not counted, held by the shim itself: it needs no daemon. Returns what lifts it.
 * @param options.onFailure is told of a stop that failed
 */
export function startTimeLimit(
  supervisor: Supervisor,
  options: { readonly maxMs: number; readonly graceMs: number; readonly onFailure: (error: unknown) => void },
): () => void {
  const { maxMs, graceMs, onFailure } = options;
  const text = formatDuration(maxMs);
  const message = `time limit exceeded (${text}/${text})`;
  const begunMs = performance.now();
  const onRing = (): void => void ring().catch(onFailure);
  let cancel = startAlarm(maxMs, onRing);
  return () => cancel();

  /** Only when it rings is it asked how long the run was paused. A record that cannot be read lifts no cap. */
  async function ring(): Promise<void> {
    const current = (await supervisor.record().catch(() => null))?.current ?? null;
    const pausedMs = current === null ? 0 : pausedMsOf(current, millisecondsSinceBoot());
    const leftMs = maxMs + pausedMs - (performance.now() - begunMs);
    if (leftMs <= 0) await supervisor.stop({ reason: 'time-limit', message, graceMs });
    else cancel = startAlarm(current?.state === 'paused' ? Math.max(leftMs, PAUSED_LOOK_MS) : leftMs, onRing);
  }
}
