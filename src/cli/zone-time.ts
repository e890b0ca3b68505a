/** Writes instants as a zone's clock shows them, to the minute, in a form that nobody can misread: `2026-11-22 00:00 UTC+1`. */
export function timeIn(timeZone: string): (epochMs: number) => string {
  // Swedish writes dates as ISO 8601 does.
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'shortOffset',
  });
  return (epochMs) =>
    format
      .format(epochMs)
      .replace('\u{2212}', '-')
      .replace(/GMT(?:\+0$)?/u, 'UTC');
}
