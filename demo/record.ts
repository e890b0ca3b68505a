/** Records `npm run demo` on a terminal of 100 × 30 into `docs/demo.svg`: `node demo/record.ts`. The build must be up to date. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openPty } from '../test/rig/pty.ts';
import { renderCast, type CastLine } from './cast.ts';

const WINDOW = { columns: 100, rows: 30 } as const;
const SAMPLE_EVERY_MS = 40;
const ESC = '\u001B';
/** Every control sequence but SGR: titles, modes and cursor movements, which a line of text does not show (ECMA-48, xterm's ctlseqs). */
const UNSHOWN = new RegExp(
  [
    String.raw`\[[<=>?][\d;]*[A-Za-z]`,
    String.raw`\[[\d;]*[A-Za-ln-z]`,
    String.raw`\][^\x07]*\x07`,
    String.raw`[()].`,
    '[0-9=>]',
  ]
    .map((sequence) => ESC + sequence)
    .concat(String.raw`[\x00-\x08\x0b-\x1a]`)
    .join('|'),
  'gu',
);

const root = join(import.meta.dirname, '..');
const closings: (() => unknown)[] = [];
const env = { ...process.env, TERM: 'xterm-256color', NO_COLOR: '' };
const pty = openPty(
  { after: (close) => void closings.push(close as () => unknown) },
  [process.execPath, join(root, 'demo/main.ts')],
  {
    cwd: root,
    env,
  },
);
pty.resize(WINDOW.columns, WINDOW.rows);

const ended = new AbortController();
void pty.exited.finally(() => ended.abort());
const lines: CastLine[] = [];
let taken = 0;
const startedAt = performance.now();
while (!ended.signal.aborted) {
  await sleep(SAMPLE_EVERY_MS);
  collect();
}
const [exitCode] = await pty.exited;
collect();
for (const close of closings) close();
if (exitCode !== 0) throw new Error(`the demo ended with ${exitCode}:\n${pty.shown()}`);
mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs', 'demo.svg'), renderCast(lines, WINDOW));

function collect(): void {
  const complete = pty
    .shown()
    .replaceAll(UNSHOWN, '')
    .replaceAll('\r', '')
    .replaceAll(root, '~/reeve')
    .split('\n')
    .slice(0, -1);
  const atMs = performance.now() - startedAt;
  for (const line of complete.slice(taken)) lines.push(...wrapped(line).map((text) => ({ atMs, text })));
  taken = complete.length;
}

/** As the terminal wraps; long lines of reeve carry no colour. */
function wrapped(line: string): readonly string[] {
  if (line.length <= WINDOW.columns || line.includes(ESC)) return [line];
  return [line.slice(0, WINDOW.columns), ...wrapped(line.slice(WINDOW.columns))];
}
