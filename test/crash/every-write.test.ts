import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { crashAtWrite } from './rig/crash.ts';
import { drawSource } from './rig/draw.ts';
import { SCENARIOS } from './rig/scenarios.ts';

failOnLeaks();

/** Set it to a seed that was printed to strike before the same writes again. */
const seed = Number(process.env['REEVE_CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** Of each so many writes in a row one is struck before; `npm run crash -- --every-write` takes them all. */
const STRIDE = 7;
/** What all scenarios together must come to. */
const MIN_KILLS = 50;

describe(`O7 a kill -9 before a durable write leaves a store that opens, reconciles and matches the process table (seed ${seed})`, () => {
  const random = drawSource(seed);
  let total = 0;
  after(() => assert.ok(total >= MIN_KILLS, `only ${total} kills`));

  for (const scenario of SCENARIOS)
    for (const program of scenario.victims)
      it(`${scenario.name}: the ${program} is killed`, async (t) => {
        // The draw decides which writes, not how many: that would be too few once in a thousand times.
        const oneOf = (stretch: number): number => stretch * STRIDE + 1 + Math.floor(random() * STRIDE);
        const struck: number[] = [];
        for (let at = oneOf(0); await crashAtWrite(scenario, { program, at }); at = oneOf(struck.length))
          struck.push(at);
        t.diagnostic(`struck before writes ${struck.join(', ')}`);
        total += struck.length;
      });
});
