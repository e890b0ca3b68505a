import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { basename, globProblem, matchesName, matchesProject } from './glob.ts';

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
