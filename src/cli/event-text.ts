import type { Event } from '../events.ts';
import { paint, plain } from './format.ts';

/** An event as `--json` prints it: its time in ISO 8601. */
export function toEventJson(event: Event): unknown {
  return { ...event, at: new Date(event.at).toISOString() };
}

/** An event as a line for people: `2026-11-21T10:00:00.000Z run.exited run_01… exitCode=0 endReason=exit`. */
export function renderEvent(event: Event, color: boolean): string {
  const { type, at, ...fields } = event;
  const { runId, ...rest } = fields as typeof fields & { readonly runId?: string | null };
  const words = [paint(new Date(at).toISOString(), 'dim', color), paint(type, 'bold', color)];
  if (typeof runId === 'string') words.push(runId);
  if (event.type === 'run.output') return [...words, event.stream, plain(event.line)].join(' ');
  for (const [name, value] of Object.entries(rest)) if (value !== null) words.push(...fieldText(name, value));
  return words.join(' ');
}

function fieldText(name: string, value: unknown): readonly string[] {
  if (name === 'receipt') return receiptText(value as Extract<Event, { type: 'run.killed' }>['receipt']);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return [`${name}=${plain(/\s/u.test(text) ? JSON.stringify(text) : text)}`];
}

function receiptText(receipt: Extract<Event, { type: 'run.killed' }>['receipt']): readonly string[] {
  const { reason, signalled, survivors, provenEmpty } = receipt;
  return [
    `reason=${plain(reason)}`,
    `signalled=${signalled.length}`,
    `survivors=${survivors.length}`,
    `provenEmpty=${provenEmpty}`,
  ];
}
