import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openConfigSource, type ConfigSource } from '../../src/daemon/config-source.ts';
import type { ReeveError } from '../../src/errors.ts';
import { loadConfig } from '../../src/host/config-file.ts';
import { resolvePaths, type Paths } from '../../src/host/paths.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { until } from '../rig/until.ts';

failOnLeaks();

const limit = (name: string): string => `[[limit]]\nname = "${name}"\nperiod = "daily"\nusd = 5.0\n`;

interface Scene {
  readonly paths: Paths;
  readonly source: ConfigSource;
  /** Limits in force after each change that was taken. */
  readonly taken: (readonly string[])[];
  readonly rejections: string[];
  /** What was told of copies that could not be kept. */
  readonly unkept: ReeveError[];
  /** What happens to the file in each pause for it to come to rest; none left: nothing. */
  readonly pauses: (() => void)[];
  /** What happens to the file right after it was found valid. */
  readonly validated: (() => void)[];
}

/** A config of its own, and a clock whose pauses are the test's. */
async function openScene(t: TestContext, text: string): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-config-'));
  const paths = resolvePaths({ HOME: folder, REEVE_HOME: join(folder, 'reeve') });
  for (const path of [paths.stateDir, join(paths.configFile, '..')]) mkdirSync(path, { recursive: true });
  writeFileSync(paths.configFile, text);
  const pauses: (() => void)[] = [];
  const taken: (readonly string[])[] = [];
  const rejections: string[] = [];
  const unkept: ReeveError[] = [];
  const validated: (() => void)[] = [];
  const source = await openConfigSource({
    paths,
    async load(from) {
      const config = await loadConfig(from, folder);
      validated.shift()?.();
      return config;
    },
    onChange: () => taken.push(limitsOf(source)),
    onRejected: ({ message }) => rejections.push(message),
    onUnkept: (error) => unkept.push(error),
    clock: { sleep: async () => pauses.shift()?.() },
  });
  t.after(() => {
    source.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { paths, source, taken, rejections, unkept, pauses, validated };
}

function limitsOf({ current }: ConfigSource): readonly string[] {
  return current.limits.map(({ name }) => name);
}

function lastGoodOf({ paths }: Scene): string {
  return readFileSync(join(paths.stateDir, 'config.last-good.toml'), 'utf8');
}

test('L13 a config that is emptied and written again by an editor never counts as one without limits', async (t) => {
  const scene = await openScene(t, limit('a'));
  const { paths, source, taken, pauses } = scene;
  pauses.push(
    () => appendFileSync(paths.configFile, limit('a')),
    () => appendFileSync(paths.configFile, limit('b')),
  );
  writeFileSync(paths.configFile, '');
  await source.refresh();
  assert.deepEqual(taken, [['a', 'b']]);
  assert.equal(lastGoodOf(scene), limit('a') + limit('b'));

  writeFileSync(paths.configFile, '');
  await source.refresh();
  assert.deepEqual(limitsOf(source), [], 'one that stays empty has no limits');
});

test('what is kept for a restart is what was found valid, also when the file changes just then', async (t) => {
  const scene = await openScene(t, limit('a'));
  const { paths, source, taken, rejections, validated } = scene;
  validated.push(() => appendFileSync(paths.configFile, 'nonsense = 1\n'));
  writeFileSync(paths.configFile, limit('a') + limit('b'));
  await source.refresh();
  assert.deepEqual(taken, [['a', 'b']]);
  assert.equal(rejections.length, 1);
  assert.deepEqual(limitsOf(source), ['a', 'b']);
  assert.equal(lastGoodOf(scene), limit('a'));
});

test('L10 a valid edit of which no copy can be kept is in force; what is in the way is told once, and the copy made up for', async (t) => {
  const scene = await openScene(t, limit('a'));
  const { paths, source, taken, rejections, unkept } = scene;
  const inTheWay = join(paths.stateDir, 'config.last-good.toml.new');
  mkdirSync(inTheWay);
  writeFileSync(paths.configFile, limit('b'));
  await source.refresh();
  await source.refresh();
  assert.deepEqual([taken, rejections, source.rejected], [[['b']], [], null]);
  assert.deepEqual(limitsOf(source), ['b']);
  assert.equal(lastGoodOf(scene), limit('a'));
  assert.equal(unkept.length, 1);
  assert.match(
    source.unkept?.message ?? '',
    /^the config is in force, but no copy .*config\.last-good\.toml \(EISDIR\)$/u,
  );

  rmSync(inTheWay, { recursive: true });
  await source.refresh();
  assert.equal(source.unkept, null);
  assert.equal(lastGoodOf(scene), limit('b'));
});

test('L6 an edit is followed where the config is a link: of what it leads to, of the link, and in a folder made anew', async (t) => {
  const scene = await openScene(t, '');
  const { paths, source } = scene;
  const folder = dirname(paths.configFile);
  const [one, two] = ['one', 'two'].map((name) => {
    const dotfiles = join(folder, '..', name);
    mkdirSync(dotfiles);
    return join(dotfiles, 'reeve.toml');
  }) as [string, string];
  const inForce = (name: string): Promise<void> => until(() => limitsOf(source).join() === name);
  const turn = (to: string): void => {
    symlinkSync(to, `${paths.configFile}.new`);
    renameSync(`${paths.configFile}.new`, paths.configFile);
  };
  writeFileSync(one, limit('a'));
  turn(one);
  await inForce('a');
  writeFileSync(one, limit('edited'));
  await inForce('edited');
  writeFileSync(`${one}.new`, limit('replaced'));
  renameSync(`${one}.new`, one);
  await inForce('replaced');
  writeFileSync(two, limit('b'));
  turn(two);
  await inForce('b');
  writeFileSync(two, limit('b edited'));
  await inForce('b edited');

  renameSync(folder, `${folder}-before`);
  mkdirSync(folder);
  writeFileSync(paths.configFile, limit('anew'));
  await inForce('anew');
  writeFileSync(paths.configFile, limit('anew edited'));
  await inForce('anew edited');
});
