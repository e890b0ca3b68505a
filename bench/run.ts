/**
 * `npm run bench`: measures reeve beside its peers, one area after the other, and writes docs/benchmarks.md. `npm run bench -- usage` runs
 * one area and writes nothing. Exit code 1 when a bar is missed.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { version } from '../src/version.ts';
import type { BenchRow } from './row.ts';

interface Area {
  readonly name: string;
  readonly title: string;
  readonly measure: () => Promise<readonly BenchRow[]>;
}

const AREAS: readonly Area[] = [
  {
    name: 'processes',
    title: 'Listing and killing processes',
    measure: async () => (await import('./processes.ts')).benchProcesses(),
  },
  {
    name: 'stops',
    title: 'What `reeve stop` adds to the end of what it stops',
    measure: async () => (await import('./stops.ts')).benchStops(),
  },
  {
    name: 'run',
    title: 'What `reeve run` adds to a command',
    measure: async () => (await import('./run-overhead.ts')).benchRun(),
  },
  {
    name: 'registry',
    title: 'Keeping books on who started what',
    measure: async () => (await import('./registry.ts')).benchRegistry(),
  },
  {
    name: 'history',
    title: 'Looking at what runs beside a long history',
    measure: async () => (await import('./history.ts')).benchHistory(),
  },
  {
    name: 'claims',
    title: 'Holding worktrees',
    measure: async () => (await import('./claims.ts')).benchClaims(),
  },
  {
    name: 'collisions',
    title: 'Noticing agents where they should not be',
    measure: async () => (await import('./collisions.ts')).benchCollisions(),
  },
  { name: 'usage', title: "Reading agents' logs", measure: async () => (await import('./usage.ts')).benchUsage() },
  {
    name: 'breach',
    title: 'From the breaching line to an empty tree',
    measure: async () => (await import('./breach.ts')).benchBreach(),
  },
  {
    name: 'events',
    title: 'From what happens to whoever follows it',
    measure: async () => (await import('./events.ts')).benchEvents(),
  },
  {
    name: 'output',
    title: "Taking in a command's output",
    measure: async () => (await import('./output.ts')).benchOutput(),
  },
  {
    name: 'shims',
    title: 'Shims that have nothing to do',
    measure: async () => (await import('./idle-shims.ts')).benchIdleShims(),
  },
];

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/benchmarks.md');

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !AREAS.some((area) => area.name === name));
if (unknown.length > 0)
  throw new Error(`no bench named ${unknown.join(', ')}; there are ${AREAS.map((area) => area.name).join(', ')}`);

installPeers();
const sections: string[] = [];
let missed = 0;
for (const area of AREAS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  process.stderr.write(`${area.title} …\n`);
  const rows = await area.measure();
  missed += rows.filter((row) => !row.holds).length;
  const section = sectionText(area, rows);
  process.stdout.write(`${section}\n`);
  sections.push(section);
}
if (wanted.length === 0) writeFileSync(page, `${headText()}\n${sections.join('\n')}`);
if (missed > 0) process.stderr.write(`${missed} of the bars missed\n`);
process.exitCode = missed === 0 ? 0 : 1;

/** Peers are dependencies of the bench alone, installed as locked when the lock is newer than what is there. */
function installPeers(): void {
  const cwd = join(root, 'bench');
  const installed = statSync(join(cwd, 'node_modules/.package-lock.json'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (installed > statSync(join(cwd, 'package-lock.json')).mtimeMs) return;
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent'], { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
}

function headText(): string {
  const processors = cpus();
  return [
    '# Benchmarks',
    '',
    '<!-- Written by `npm run bench`; do not edit. -->',
    '',
    'reeve and its peer at the same work, in turn, in one process tree; medians of at least five rounds. Machines are noisy: the ratio is',
    'what carries over. `bar` is what reeve holds itself to; `scaled`: missed as it stands, and held by the measure of this machine, on which',
    'Node starts more slowly than where the bar was set (docs/adr/0016-bars-and-machines.md).',
    '',
    `- machine: ${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}`,
    `- Node ${process.versions.node}, reeve ${version}${peersText()}`,
    '- every figure again: `npm run bench`; one section: the command below its title',
    '',
  ].join('\n');
}

function peersText(): string {
  const manifest = join(root, 'bench/package.json');
  const { devDependencies = {} } = JSON.parse(readFileSync(manifest, 'utf8')) as {
    devDependencies?: Record<string, string>;
  };
  const names = Object.entries(devDependencies).map(([name, at]) => `${name} ${at}`);
  return names.length === 0 ? '' : `; peers: ${names.join(', ')}`;
}

function sectionText(area: Area, rows: readonly BenchRow[]): string {
  return [
    `## ${area.title}`,
    '',
    `\`npm run bench -- ${area.name}\``,
    '',
    '| work | reeve | peer | | ratio | bar | holds |',
    '| --- | ---: | --- | ---: | ---: | --- | --- |',
    ...rows.map(
      (row) =>
        `| ${row.work} | ${figure(row.reeve)} ${row.unit} | ${row.peer} | ${peerFigure(row)} | ${ratio(row)} | ${row.bar} | ${holding(row)} |`,
    ),
    '',
  ].join('\n');
}

function holding({ holds }: BenchRow): string {
  if (holds === 'scaled') return 'scaled';
  return holds ? 'yes' : '**no**';
}

function peerFigure(row: BenchRow): string {
  return Number.isNaN(row.peerValue) ? '' : `${figure(row.peerValue)} ${row.unit}`;
}

/** How many times less reeve needs than its peer. */
function ratio(row: BenchRow): string {
  return Number.isNaN(row.peerValue) || row.reeve === 0 ? '' : `${figure(row.peerValue / row.reeve)} ×`;
}

/** Three significant digits, thousands separated. */
function figure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 3 });
}
