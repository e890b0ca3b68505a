import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { basename, globProblem, literalGlob, matchesName, matchesProject, projectGlobProblem } from './glob.ts';

describe('globs', () => {
  const names: readonly [glob: string, name: string | null, matches: boolean][] = [
    ['*', 'main', true],
    ['*', 'feature/a/b', true],
    ['*', null, true],
    ['**', null, false],
    ['main', 'main', true],
    ['main', 'Main', false],
    ['main', 'maintenance', false],
    ['feature/*', 'feature/a', true],
    ['feature/*', 'feature/a/b', false],
    ['feature/*', 'feature', false],
    ['feature/**', 'feature/a/b', true],
    ['*/x', 'a/x', true],
    ['{main,dev}', 'dev', true],
    ['release-[0-9]', 'release-7', true],
    ['.hidden*', '.hidden-1', true],
    ['h*', '.hidden', false],
    ['!main', 'dev', true],
    ['!main', 'main', false],
    ['!main', null, false],
  ];
  for (const [glob, name, matches] of names) {
    test(`${glob} ${matches ? 'matches' : 'does not match'} ${name ?? 'no branch'}`, () => {
      assert.equal(matchesName(glob, name), matches);
    });
  }

  test('a project matches by its path or by its last part, never by a part in between', () => {
    assert.equal(matchesProject('api', '/w/api'), true);
    assert.equal(matchesProject('/w/*', '/w/api'), true);
    assert.equal(matchesProject('/w/**', '/w/deep/api'), true);
    assert.equal(matchesProject('/w/*', '/w/deep/api'), false);
    assert.equal(matchesProject('w', '/w/api'), false);
    assert.equal(matchesProject('/w/1086', '/w/10861'), false);
    assert.equal(matchesProject('*', '/'), true);
  });

  for (const glob of ['work/app', 'work/*', '*/app', '?ork/app/**', '~bob/app', '/w/app/', '~/', '**/', ''])
    test(`"${glob}" is refused for a project: it would match none`, () => {
      assert.notEqual(projectGlobProblem(glob), null);
    });
  for (const glob of [
    '*',
    'app',
    'app/**',
    'a*',
    '/',
    '/w/app',
    '~',
    '~/w/**',
    '**/w/*',
    '{app,/w/x}',
    '!app',
    '[ab]pp',
  ])
    test(`"${glob}" may match a project`, () => {
      assert.equal(projectGlobProblem(glob), null);
    });

  test('a glob for a project that is refused matches no path of any', () => {
    const part = fc.constantFrom('w', 'app', '~bob', '*', '?pp', 'a*');
    const name = fc.constantFrom('w', 'app', '~bob', 'x');
    const paths = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => `/${parts.join('/')}`);
    fc.assert(
      fc.property(fc.array(part, { minLength: 2, maxLength: 3 }), paths, (parts, project) => {
        // Nothing but `/app` is matched by `*/app`, which nobody who writes it means.
        fc.pre(parts[0] !== '*');
        const glob = parts.join('/');
        assert.notEqual(projectGlobProblem(glob), null);
        assert.equal(matchesProject(glob, project), false);
      }),
    );
  });

  test('the glob of a text without a backslash matches that text alone', () => {
    const signs = fc.string({ minLength: 1, maxLength: 6, unit: fc.constantFrom(...'$^|*?[]{}()!+@"-.,/a'.split('')) });
    fc.assert(
      fc.property(fc.oneof(fc.string({ minLength: 1 }), signs), (text) => {
        fc.pre(!text.includes('\\') && globProblem(literalGlob(text)) === null);
        assert.equal(matchesName(literalGlob(text), text), true);
        assert.equal(matchesName(literalGlob(text), `${text}x`), false);
      }),
    );
  });

  test('a glob that is found good never throws, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 12 }), fc.string({ maxLength: 12 }), (glob, name) => {
        fc.pre(globProblem(glob) === null);
        assert.equal(typeof matchesName(glob, name), 'boolean');
      }),
      { numRuns: 1_000 },
    );
  });

  test('basename of the root is the root', () => {
    assert.equal(basename('/'), '/');
    assert.equal(basename('/w/api'), 'api');
  });
});
