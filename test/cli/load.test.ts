import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HANG_MS } from '../rig/hang.ts';

const root = join(import.meta.dirname, '../..');

/** Libraries that cost 8 to 63 ms to load, none of which a run needs. */
const HEAVY = ['zod', '@pydantic/genai-prices', 'toml-eslint-parser', 'temporal-polyfill', 'picomatch', '@bomb.sh/tab'];

/** Every module that a command line loads, as file URLs. */
function modulesLoadedBy(args: readonly string[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-load-'));
  try {
    const list = join(folder, 'modules.txt');
    const hook = join(folder, 'hook.mjs');
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
       registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context); } });`,
    );
    const { status, stderr } = spawnSync(process.execPath, ['--import', hook, join(root, 'src/cli/main.ts'), ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, REEVE_HOME: join(folder, 'home'), TMPDIR: folder },
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.equal(status, 0, stderr);
    return readFileSync(list, 'utf8').trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function heavyIn(modules: readonly string[]): readonly string[] {
  return HEAVY.filter((name) => modules.some((url) => url.includes(`/node_modules/${name}/`)));
}

for (const args of [['run', '--', 'true'], ['ps'], ['--help']])
  test(`reeve ${args.join(' ')} loads none of the libraries that only other commands need`, () => {
    const modules = modulesLoadedBy(args);
    assert.ok(
      modules.some((url) => url.endsWith('/src/cli/program.ts')),
      'the hook saw the modules',
    );
    assert.deepEqual(heavyIn(modules), []);
  });

test('the check of loaded libraries sees one when it is there', () => {
  assert.deepEqual(heavyIn(modulesLoadedBy(['complete', 'bash'])), ['@bomb.sh/tab']);
});

/** Parts of Node that take 1 to 7 ms each, and that a run without limits has no use for. */
const SLOW_BUILTINS = ['crypto', 'fs/promises', 'perf_hooks', 'worker_threads', 'readline', 'inspector'];

/** Node's own modules that the built program of `reeve run` has loaded by the time it ends. */
function builtinsLoadedByBundle(program: string, args: readonly string[]): ReadonlySet<string> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-load-'));
  try {
    const list = join(folder, 'modules.json');
    const hook = join(folder, 'hook.cjs');
    writeFileSync(
      hook,
      `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList)));`,
    );
    const { status, stderr } = spawnSync(process.execPath, ['--require', hook, join(root, program), ...args], {
      env: { PATH: process.env['PATH'], HOME: folder, REEVE_HOME: join(folder, 'home'), TMPDIR: folder },
      encoding: 'utf8',
      timeout: HANG_MS,
    });
    assert.equal(status, 0, stderr);
    const loaded = JSON.parse(readFileSync(list, 'utf8')) as readonly string[];
    return new Set(loaded.map((name) => name.replace(/^NativeModule /u, '')));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the built `reeve run` loads only what a run needs of Node', () => {
  const loaded = builtinsLoadedByBundle('dist/cli/run.cjs', ['run', '--shared', '--', 'true']);
  assert.ok(loaded.has('child_process') && loaded.has('sqlite'), 'the hook saw the modules');
  assert.deepEqual(
    SLOW_BUILTINS.filter((name) => loaded.has(name)),
    [],
  );
});
