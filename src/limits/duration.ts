const UNITS_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
} as const;

/** Longest duration that is accepted: a year. What is longer is a typing error. */
export const MAX_DURATION_MS = 366 * 86_400_000;

const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/y;

/**
 * Reads a duration: `10s`, `90m`, `2h`, `1h30m`, `1.5h`, `500ms`, `0s`. A number without a unit is none.
 * @returns whole milliseconds; null when it is no duration, or longer than {@link MAX_DURATION_MS}
 */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  let total = 0;
  let position = 0;
  let smallest: number = Infinity;
  while (position < trimmed.length) {
    PART.lastIndex = position;
    const match = PART.exec(trimmed);
    if (match === null) return null;
    const unitMs = UNITS_MS[match[2] as keyof typeof UNITS_MS];
    if (unitMs >= smallest) return null;
    smallest = unitMs;
    total += Number(match[1]) * unitMs;
    position = PART.lastIndex;
  }
  const rounded = Math.round(total);
  return position > 0 && rounded <= MAX_DURATION_MS ? rounded : null;
}

/** `2h`, `1h30m`, `10s`, `1.5s`: the largest units first, nothing that is zero. */
export function formatDuration(ms: number): string {
  if (ms < UNITS_MS.s) return ms === 0 ? '0s' : `${Math.round(ms)}ms`;
  let rest = ms < UNITS_MS.m ? Math.round(ms / 100) * 100 : Math.round(ms / 1_000) * 1_000;
  let text = '';
  for (const unit of ['d', 'h', 'm'] as const) {
    const count = Math.floor(rest / UNITS_MS[unit]);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNITS_MS[unit];
  }
  return rest > 0 ? `${text}${rest / 1_000}s` : text;
}
