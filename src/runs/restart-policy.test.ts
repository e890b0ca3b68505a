import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  afterAttempt,
  DEFAULT_RESTART,
  gaveUpText,
  NEW_SERIES,
  type RestartDecision,
  type RestartPolicy,
  type RestartSeries,
} from './restart-policy.ts';

const FAILED = { exitCode: 1, signal: null } as const;
const KILLED = { exitCode: null, signal: 'SIGKILL' } as const;
const CLEAN = { exitCode: 0, signal: null } as const;

const policies: fc.Arbitrary<RestartPolicy> = fc.record({
  mode: fc.constantFrom('on-failure', 'always'),
  firstDelayMs: fc.integer({ min: 0, max: 100_000 }),
  maxDelayMs: fc.integer({ min: 0, max: 100_000 }),
  stableMs: fc.integer({ min: 1, max: 100_000 }),
  maxQuickFailures: fc.integer({ min: 1, max: 20 }),
});
const attempts = fc.record({
  exit: fc.constantFrom(FAILED, KILLED, CLEAN),
  ranMs: fc.integer({ min: 0, max: 200_000 }),
  random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
});
type Attempt = typeof attempts extends fc.Arbitrary<infer T> ? T : never;

/** Decisions for attempts one after the other, up to the first that ends the run. */
function play(policy: RestartPolicy, all: readonly Attempt[]): RestartDecision[] {
  const decisions: RestartDecision[] = [];
  let series: RestartSeries = NEW_SERIES;
  for (const attempt of all) {
    const decision = afterAttempt(policy, series, attempt);
    decisions.push(decision);
    if (decision.kind !== 'restart') break;
    series = decision.series;
  }
  return decisions;
}

describe('the restart policy', () => {
  const policy: RestartPolicy = { ...DEFAULT_RESTART, mode: 'always' };

  it('doubles the pause up to its ceiling', () => {
    const quick = { exit: CLEAN, ranMs: 0, random: 0 };
    const delays = play(
      policy,
      Array.from({ length: 9 }, () => quick),
    ).map((d) => d.kind === 'restart' && d.delayMs);
    assert.deepEqual(delays, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  it('draws up to half of a pause', () => {
    const at = (random: number) => afterAttempt(policy, NEW_SERIES, { exit: FAILED, ranMs: 0, random });
    assert.deepEqual(
      [at(0), at(0.5), at(0.999_999)].map((d) => d.kind === 'restart' && d.delayMs),
      [1_000, 750, 500],
    );
  });

  it('begins again at the first pause after an attempt that was stable', () => {
    const quick = { exit: FAILED, ranMs: 10, random: 0 };
    const stable = { exit: FAILED, ranMs: policy.stableMs, random: 0 };
    const delays = play(policy, [quick, quick, stable, quick]).map((d) => d.kind === 'restart' && d.delayMs);
    assert.deepEqual(delays, [1_000, 2_000, 1_000, 2_000]);
  });

  it('gives a crash loop up, and says so', () => {
    const crash = { exit: KILLED, ranMs: 10, random: 0 };
    const decisions = play(
      policy,
      Array.from({ length: 99 }, () => crash),
    );
    assert.deepEqual(decisions.at(-1), { kind: 'give-up', failures: 8 });
    assert.equal(decisions.length, 8);
    assert.match(gaveUpText(8), /crash loop.* 8 times/u);
  });

  it('is done after a clean exit when it restarts on failure only', () => {
    const onFailure = { ...policy, mode: 'on-failure' } as const;
    assert.deepEqual(afterAttempt(onFailure, NEW_SERIES, { exit: CLEAN, ranMs: 0, random: 0 }), { kind: 'done' });
    assert.equal(afterAttempt(onFailure, NEW_SERIES, { exit: KILLED, ranMs: 0, random: 0 }).kind, 'restart');
  });

  it('never waits longer than its ceiling, nor less than half of what the series asks for', () => {
    fc.assert(
      fc.property(policies, fc.array(attempts, { maxLength: 60 }), (any, all) => {
        let asked = 0;
        play(any, all).forEach((decision, index) => {
          if (decision.kind !== 'restart') return;
          const attempt = all[index] as Attempt;
          asked = attempt.ranMs >= any.stableMs || index === 0 ? any.firstDelayMs : asked * 2;
          const full = Math.min(asked, any.maxDelayMs);
          assert.ok(decision.delayMs <= full && decision.delayMs >= Math.floor(full / 2));
        });
      }),
    );
  });

  it('ends a run on failure-only exactly at its first clean exit or at its crash loop', () => {
    fc.assert(
      fc.property(policies, fc.array(attempts, { maxLength: 60 }), (any, all) => {
        let inARow = 0;
        for (const [index, decision] of play(any, all).entries()) {
          const { exit, ranMs } = all[index] as Attempt;
          inARow = exit.exitCode === 0 || ranMs >= any.stableMs ? 0 : inARow + 1;
          const wanted =
            exit.exitCode === 0 && any.mode === 'on-failure'
              ? 'done'
              : inARow >= any.maxQuickFailures
                ? 'give-up'
                : 'restart';
          assert.equal(decision.kind, wanted);
        }
      }),
    );
  });
});
