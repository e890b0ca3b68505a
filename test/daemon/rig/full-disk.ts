/**
 * Runs with TMPDIR on a small disk of its own: fills it under a daemon and a limited run, and prints what came of it as JSON. The one
 * argument is the folder, on another disk, where the agent logs.
 */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readProcess } from '../../rig/live-processes.ts';
import { startAgentRun } from './agent-run.ts';
import { fillDisk } from './fill-disk.ts';
import { openHome } from './home.ts';
import { startImpatientDaemon } from './start-impatient.ts';

export interface FullDiskReport {
  readonly exit: { readonly code: number | null; readonly stderr: string };
  readonly agentLives: boolean;
  readonly events: readonly string[];
  /** What SQLite says of the database afterwards. */
  readonly integrity: unknown;
}

await using home = openHome({ CLAUDE_CONFIG_DIR: process.argv[2] ?? '' });
await startImpatientDaemon(home);
const run = await startAgentRun(home, { runOptions: ['--max-usd', '5', '--grace', '0s'] });
const ballast = join(tmpdir(), 'ballast');
fillDisk(ballast);
await run.tell('spend 100').catch(() => '');
const exit = await run.ended;
const agentLives = readProcess(run.agentPid) !== null;
rmSync(ballast);
const database = new DatabaseSync(home.paths.database);
const integrity = database.prepare('PRAGMA integrity_check').get()?.['integrity_check'];
database.close();
const events = home.events().map((event) => event.type);
const report: FullDiskReport = { exit, agentLives, events, integrity };
process.stdout.write(JSON.stringify(report));
