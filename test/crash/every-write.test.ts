import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { crashAtWrite } from './rig/crash.ts';
import { drawSource } from './rig/draw.ts';
import { SCENARIOS } from './rig/scenarios.ts';

failOnLeaks();

/** Set it to a seed that was printed to strike before the same writes again. */
const seed = Number(process.env['REEVE_CRASH_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
/** On average every so many-th write is struck before; `npm run crash -- --every-write` takes them all. */
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
        const step = (): number => 1 + Math.floor(random() * (2 * STRIDE - 1));
        const struck: number[] = [];
        for (let at = step(); await crashAtWrite(scenario, { program, at }); at += step()) struck.push(at);
        t.diagnostic(`struck before writes ${struck.join(', ')}`);
        total += struck.length;
      });
});
