import type { RestartsJson } from '../runs/restarts-view.ts';
import { formatDuration, paint } from './format.ts';

/** `reeve inspect` for people: one line per attempt that was followed by another. */
export function renderRestarts(
  { mode, count, nextAt, ended }: RestartsJson,
  { color, now }: { readonly color: boolean; readonly now: number },
): string {
  const next = nextAt === null ? '' : `, the next start in ${formatDuration(Math.max(0, Date.parse(nextAt) - now))}`;
  const lines = ended.map(({ number, pid, startedAt, endedAt, exitCode, signal, delayMs }) => {
    const how = pid === null ? `could not be started (${exitCode ?? '?'})` : (signal ?? `exit ${exitCode ?? '?'}`);
    const lasted = formatDuration(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)));
    return `  attempt ${number}  ${startedAt}  ${how} after ${lasted}, then a pause of ${formatDuration(delayMs)}\n`;
  });
  return `${paint(`restarts ${mode}`, 'dim', color)}  ${count} so far${next}\n${lines.join('')}`;
}
