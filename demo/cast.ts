/** What a terminal showed, line by line, with when each line was complete. */
export interface CastLine {
  /** Milliseconds since the start. */
  readonly atMs: number;
  /** With its SGR sequences, without any other control sequence. */
  readonly text: string;
}

const CHAR_WIDTH = 8.43;
const LINE_HEIGHT = 19;
const PADDING = 16;
/** How long the end stays before the cast begins anew, in milliseconds. */
const HOLD_MS = 6_000;
/** Longest pause that is kept, in milliseconds: nobody wants to watch an agent start. */
const LONGEST_PAUSE_MS = 1_500;
/** By SGR number; the palette is GitHub's dark one. */
const COLORS: Readonly<Record<string, string>> = {
  '2': '#8b949e',
  '31': '#ff7b72',
  '32': '#3fb950',
  '33': '#d29922',
  '34': '#58a6ff',
  '35': '#bc8cff',
  '36': '#39c5cf',
  '90': '#8b949e',
};

const SGR = new RegExp(`\u001B${String.raw`\[([\d;]*)m`}`, 'u');

/** Renders a cast as an SVG that plays by itself: text that scrolls up in a window of `rows` lines. */
export function renderCast(
  lines: readonly CastLine[],
  window: { readonly columns: number; readonly rows: number },
): string {
  const width = Math.ceil(window.columns * CHAR_WIDTH + 2 * PADDING);
  const height = window.rows * LINE_HEIGHT + 2 * PADDING;
  const times = shortenPauses(lines.map(({ atMs }) => atMs));
  const totalMs = (times.at(-1) ?? 0) + HOLD_MS;
  const frames = times.map((atMs, index) => {
    const offset = (window.rows - index - 1) * LINE_HEIGHT;
    return `${((100 * atMs) / totalMs).toFixed(2)}%{transform:translateY(${offset}px)}`;
  });
  const end = `translateY(${(window.rows - lines.length) * LINE_HEIGHT}px)`;
  const texts = lines.map(({ text }, index) => {
    const baseline = PADDING + (index + 0.75) * LINE_HEIGHT;
    return `<text x="${PADDING}" y="${baseline}">${spansOf(text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="Recording of npm run demo">
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#c9d1d9;white-space:pre}
.b{font-weight:bold}
.s{transform:${end};animation:s ${(totalMs / 1_000).toFixed(2)}s step-end infinite}
@keyframes s{0%{transform:translateY(${window.rows * LINE_HEIGHT}px)}${frames.join('')}100%{transform:${end}}}
@media(prefers-reduced-motion:reduce){.s{animation:none}}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<svg x="0" y="${PADDING / 2}" width="${width}" height="${height - PADDING}"><g class="s" xml:space="preserve">
${texts.join('\n')}
</g></svg>
</svg>
`;
}

function shortenPauses(times: readonly number[]): readonly number[] {
  let shownAt = 0;
  return times.map((atMs, index) => (shownAt += Math.min(atMs - (times[index - 1] ?? 0), LONGEST_PAUSE_MS)));
}

function spansOf(line: string): string {
  let bold = false;
  let color: string | undefined;
  const spans: string[] = [];
  for (const [index, part] of line.split(SGR).entries()) {
    if (index % 2 === 0) {
      if (part === '') continue;
      const style = `${bold ? ' class="b"' : ''}${color === undefined ? '' : ` style="fill:${color}"`}`;
      spans.push(style === '' ? escapeXml(part) : `<tspan${style}>${escapeXml(part)}</tspan>`);
      continue;
    }
    for (const code of part.split(';')) {
      if (code === '' || code === '0') [bold, color] = [false, undefined];
      else if (code === '22') bold = false;
      else if (code === '39') color = undefined;
      else if (code === '1') bold = true;
      else color = COLORS[code] ?? color;
    }
  }
  return spans.join('');
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
