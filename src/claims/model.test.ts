import assert from 'node:assert/strict';
import { test } from 'node:test';
import { walk } from '../../test/claims/model/walk.ts';
import type { Fault } from '../../test/claims/model/world.ts';

test('C1 C4 no order of three contenders, with a crash at any step, gives two holders, an old token or a deadlock', (t) => {
  const { worlds, ends } = walk({ actors: 3 });
  t.diagnostic(`${worlds} worlds, ${ends} ends`);
  assert.ok(worlds > 10_000 && ends > 0);
});

test('C4 a claim broken by force leaves its holder with a token that is refused', (t) => {
  const { worlds } = walk({ actors: 2, force: true });
  t.diagnostic(`${worlds} worlds`);
  assert.ok(worlds > 1_000);
});

test('C4 a file that somebody removes neither frees the worktree nor sets the tokens back', (t) => {
  const { worlds } = walk({ actors: 2, lose: true });
  t.diagnostic(`${worlds} worlds`);
  assert.ok(worlds > 1_000);
});

const FAULTS: readonly (readonly [Fault, RegExp])[] = [
  ['no guard', /hold the worktree|given twice/],
  ['no second look', /hold the worktree|given twice/],
  ['dead shim means free', /hold the worktree/],
  ['token not raised', /given twice/],
  ['row not asked', /hold the worktree|given twice|tokens grow/],
];
for (const [fault, found] of FAULTS)
  test(`the checker finds a protocol with "${fault}"`, () => {
    assert.throws(() => walk({ actors: 2, lose: fault === 'row not asked', fault }), found);
  });
