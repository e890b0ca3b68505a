/**
 * The test command. `npm test` runs everything; `npm test -- test/cli src/runs` runs what lies there.
 *
 * Builds, installs the real agents that the end-to-end tests drive, runs every test, and, when started as root, runs the K checks
 * a second time as `nobody`. Everything the tests write goes below one temporary folder, which must be empty again at the end.
 * The last line is always `N passed, N failed, N skipped`; the exit code is 0 only without a failure.
 */
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../scripts/build.ts';
import { findTestFiles } from './runner/files.ts';
import { findLeftovers } from './runner/leftovers.ts';
import { runPass } from './runner/pass.ts';
import { addTally, closingLine, emptyTally } from './runner/tally.ts';
import { runAsNobody } from './runner/unprivileged.ts';

const root = join(import.meta.dirname, '..');
const print = (text: string): void => void process.stdout.write(text);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());

const paths = process.argv.slice(2);
const files = findTestFiles(root, paths);
if (files.length === 0) throw new Error(`no test file in ${paths.join(' ')}`);

if ((await build()) !== 0) {
  print(`the build failed\n${closingLine({ passed: 0, failed: 1, skips: [] })}\n`);
  process.exit(1);
}
if (files.some((file) => file.startsWith(join(root, 'test/e2e')))) {
  const { installAgents } = await import('./rig/install-agents.ts');
  await installAgents();
}

const total = emptyTally();
const scratch = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-test-')));
try {
  // Tests must not see the caller's own runs, agents' logs and settings. npm keeps its configuration and cache.
  process.env['npm_config_userconfig'] ??= join(homedir(), '.npmrc');
  process.env['npm_config_cache'] ??= join(homedir(), '.npm');
  for (const name of Object.keys(process.env))
    if (/^(REEVE_|XDG_|CLAUDE|CODEX_|NO_COLOR$|FORCE_COLOR$)/u.test(name)) delete process.env[name];
  // Each test has a home of its own, where reeve would compile its sources anew: half of what a start costs.
  process.env['NODE_COMPILE_CACHE'] = join(scratch, 'code');
  const temporary = join(scratch, 'tmp');
  process.env['TMPDIR'] = temporary;
  process.env['HOME'] = join(scratch, 'home');
  mkdirSync(process.env['HOME'], { mode: 0o700 });
  mkdirSync(temporary);
  // As the system's own: a test that continues as another user must reach it, and may write in it.
  chmodSync(scratch, 0o711);
  chmodSync(temporary, 0o1777);
  const temporaries = [temporary];

  print(`${files.length} test files\n`);
  addTally(total, await runPass({ root, files, only: null, signal: interrupted.signal, print }));

  if (process.getuid?.() === 0 && paths.length === 0 && !interrupted.signal.aborted) {
    print('the K checks again, as nobody\n');
    const folder = join(scratch, 'nobody');
    mkdirSync(folder, { mode: 0o711 });
    addTally(total, await runAsNobody({ root, folder, signal: interrupted.signal }));
    temporaries.push(join(folder, 'tmp'));
  }
  for (const leftover of await findLeftovers(temporaries)) {
    total.failed += 1;
    print(`\n✖ ${leftover}\n`);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

for (const { test, reason } of total.skips) {
  print(`skipped: ${test}: ${reason || 'NO REASON GIVEN'}\n`);
  if (reason === '') total.failed += 1;
}
print(`${closingLine(total)}\n`);
process.exitCode = total.failed === 0 && total.passed > 0 && !interrupted.signal.aborted ? 0 : 1;
