import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { resolvePaths, shimSocket } from '../../src/host/paths.ts';
import { MAX_SOCKET_PATH_BYTES } from '../../src/ipc/socket-path.ts';
import { systemRandom } from '../../src/host/random.ts';
import { createRunIds } from '../../src/runs/run-id.ts';

test('REEVE_HOME holds everything but the sockets', () => {
  const paths = resolvePaths({ REEVE_HOME: '/r', HOME: '/h', XDG_STATE_HOME: '/s' });
  assert.equal(paths.configFile, '/r/config.toml');
  assert.equal(paths.database, '/r/reeve.db');
});

test('otherwise the XDG base folders, with their defaults below HOME', () => {
  const named = resolvePaths({
    HOME: '/h',
    XDG_CONFIG_HOME: '/c',
    XDG_STATE_HOME: '/s',
    XDG_RUNTIME_DIR: '/run/user/1',
  });
  assert.equal(named.configFile, '/c/reeve/config.toml');
  assert.equal(named.stateDir, '/s/reeve');
  assert.equal(named.socketDir, '/run/user/1/reeve');
  const defaults = resolvePaths({ HOME: '/h' });
  assert.equal(defaults.configFile, '/h/.config/reeve/config.toml');
  assert.equal(defaults.stateDir, '/h/.local/state/reeve');
  assert.equal(defaults.socketDir, join(tmpdir(), `reeve-${userInfo().uid}`));
});

test('an empty or relative HOME or XDG folder never puts the store into the current folder', () => {
  for (const env of [{}, { HOME: '' }, { HOME: 'here' }, { HOME: '', XDG_STATE_HOME: 'here', XDG_RUNTIME_DIR: '' }]) {
    const { stateDir, socketDir } = resolvePaths(env);
    assert.equal(stateDir, join(userInfo().homedir, '.local/state/reeve'));
    assert.equal(socketDir, join(tmpdir(), `reeve-${userInfo().uid}`));
  }
});

test('a runtime folder whose path is too long for a socket is passed over', () => {
  const tooLong = resolvePaths({ HOME: '/h', XDG_RUNTIME_DIR: `/run/${'x'.repeat(100)}` });
  assert.equal(tooLong.socketDir, join(tmpdir(), `reeve-${userInfo().uid}`));
  const justShort = resolvePaths({ HOME: '/h', XDG_RUNTIME_DIR: `/run/${'x'.repeat(77)}` });
  assert.equal(justShort.socketDir, `/run/${'x'.repeat(77)}/reeve`);
  assert.ok(Buffer.byteLength(shimSocket(justShort, 'run_01M7YEC72RAN9BRWBX5Z8B6NK2')) <= MAX_SOCKET_PATH_BYTES);
  assert.ok(Buffer.byteLength(justShort.daemonSocket) <= MAX_SOCKET_PATH_BYTES);
});

test('a TMPDIR whose path is too long for a socket is passed over too', (t) => {
  const before = process.env['TMPDIR'];
  t.after(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  process.env['TMPDIR'] = `/${'x'.repeat(100)}`;
  assert.equal(resolvePaths({ HOME: '/h' }).socketDir, `/tmp/reeve-${userInfo().uid}`);
});

test('sockets have short names of their own per home and run', () => {
  const [a, b] = [resolvePaths({ REEVE_HOME: '/a' }), resolvePaths({ REEVE_HOME: '/b' })];
  assert.notEqual(a.daemonSocket, b.daemonSocket);
  const { newRunId } = createRunIds(systemRandom);
  const [first, second] = [newRunId(Date.now()), newRunId(Date.now())].map((id) => shimSocket(a, id));
  assert.notEqual(first, second);
  assert.ok(Math.max(...[first, second, a.daemonSocket].map((path) => basename(path ?? '').length)) <= 18);
});

test('the socket of a home is the same by each of its names, before the home is there and after', (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'reeve-paths-')));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'link'));
  const socketOf = (env: NodeJS.ProcessEnv): string => resolvePaths(env).daemonSocket;
  const named = (): readonly string[] => [
    ...['real/reeve', 'link/reeve', 'link/reeve/', 'link/../link/reeve', 'real/./x/../reeve'].map((name) =>
      socketOf({ REEVE_HOME: `${folder}/${name}` }),
    ),
    socketOf({ HOME: folder, XDG_STATE_HOME: join(folder, 'link') }),
  ];
  const absent = named();
  mkdirSync(join(folder, 'real/reeve'));
  symlinkSync(join(folder, 'real/reeve'), join(folder, 'home'));
  const there = [...named(), socketOf({ REEVE_HOME: join(folder, 'home') })];
  // What it was before links were followed: whoever uses the real path finds the daemon of an earlier version.
  const plain = hash('sha256', join(folder, 'real/reeve')).slice(0, 12);
  assert.deepEqual([...new Set([...absent, ...there])], [join(resolvePaths({}).socketDir, `${plain}.sock`)]);
});
