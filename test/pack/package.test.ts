import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { version } from '../../src/version.ts';

const root = join(import.meta.dirname, '../..');
const HANG_GUARD_MS = 120_000;

/** The Node of a machine that has no newer one: found on PATH behind the one that came with the dependencies. */
function findOlderNode(): { readonly path: string; readonly major: number } | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    const { stdout, status } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    if (status !== 0) continue;
    const major = Number.parseInt(stdout, 10);
    if (major < 24) return { path, major };
  }
  return null;
}

describe('the packed package', () => {
  let folder: string;
  let app: string;
  let environment: NodeJS.ProcessEnv;

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-pack-')));
    app = join(folder, 'app');
    mkdirSync(app);
    // Its own home and state, and of the system's programs only node itself.
    environment = {
      PATH: `${dirname(process.execPath)}:/usr/bin:/bin`,
      HOME: folder,
      REEVE_HOME: join(folder, 'home'),
      TMPDIR: folder,
    };
    writeFileSync(join(app, 'package.json'), '{"name":"app","private":true,"type":"module"}\n');
    // npm keeps a compile cache in TMPDIR otherwise.
    const npm = { timeout: HANG_GUARD_MS, env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' } };
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
      cwd: root,
      ...npm,
    });
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
    assert.ok(tarball !== undefined, 'npm pack wrote a tarball');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', join(folder, tarball)], {
      cwd: app,
      ...npm,
    });
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const reeve = (args: readonly string[], env: NodeJS.ProcessEnv = environment) =>
    spawnSync(join(app, 'node_modules/.bin/reeve'), args, { cwd: app, env, encoding: 'utf8', timeout: HANG_GUARD_MS });

  test('installs without install scripts, and says its version', () => {
    const { stdout, stderr, status } = reeve(['--version']);
    assert.equal(stderr, '');
    assert.equal(stdout, `${version}\n`);
    assert.equal(status, 0);
  });

  test('runs a command supervised, and passes its exit code on', () => {
    assert.equal(reeve(['run', '--', 'true']).status, 0);
    const failing = reeve(['run', '--', 'sh', '-c', 'echo out; exit 7']);
    assert.equal(failing.stdout, 'out\n');
    assert.equal(failing.status, 7);
    const { runs } = JSON.parse(reeve(['ps', '--all', '--json']).stdout) as { runs: readonly { exitCode: number }[] };
    assert.deepEqual(new Set(runs.map((run) => run.exitCode)), new Set([0, 7]));
  });

  test('is a library: killVerified, descendants and findProcesses work from an import', () => {
    const script = `
      import { spawn } from 'node:child_process';
      import { descendants, findProcesses, killVerified, identityOf } from 'reeve';
      const child = spawn('sleep', ['300']);
      const identity = identityOf(child.pid);
      const found = findProcesses({ argv: ['sleep', '300'] });
      if (!found.some((each) => each.identity.pid === child.pid)) throw new Error('not found');
      const receipt = await killVerified([identity], { graceMs: 5000 });
      console.log(JSON.stringify({ empty: receipt.provenEmpty, signals: receipt.signalled[0].signals, below: descendants(identity).length }));
    `;
    writeFileSync(join(app, 'use.mjs'), script);
    const { stdout, stderr, status } = spawnSync(process.execPath, ['use.mjs'], {
      cwd: app,
      env: environment,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(JSON.parse(stdout), { empty: true, signals: ['TERM'], below: 0 });
  });

  test('holds only what an installed reeve needs', () => {
    const files = readdirSync(join(app, 'node_modules/reeve'));
    assert.deepEqual(files.toSorted(), ['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
    const tests = readdirSync(join(app, 'node_modules/reeve/dist'), { recursive: true }).filter((name) =>
      String(name).includes('.test.'),
    );
    assert.deepEqual(tests, []);
  });

  const older = findOlderNode();
  const without = older === null ? 'there is no Node older than 24 on PATH' : false;

  test('under an older Node it says what it needs and exits 69', { skip: without }, () => {
    assert.ok(older !== null);
    const only = join(folder, 'older');
    mkdirSync(only);
    symlinkSync(older.path, join(only, 'node'));
    const { stderr, stdout, status } = reeve(['--version'], { ...environment, PATH: `${only}:/usr/bin:/bin` });
    assert.equal(stdout, '');
    assert.match(stderr, new RegExp(`needs Node 24 or newer, and the node on PATH is v${older.major}\\.`, 'u'));
    assert.equal(status, 69);
  });

  test('without any Node it says what it needs and exits 69', () => {
    const empty = join(folder, 'empty');
    mkdirSync(empty);
    // The launcher itself needs a shell and readlink.
    for (const name of ['sh', 'readlink']) symlinkSync(`/bin/${name}`, join(empty, name));
    const { stderr, status } = spawnSync('/bin/sh', [join(app, 'node_modules/.bin/reeve'), '--version'], {
      env: { PATH: empty },
      encoding: 'utf8',
    });
    assert.match(stderr, /needs Node 24 or newer, and there is no node on PATH/u);
    assert.equal(status, 69);
  });
});
