import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { coveringLockouts } from '../../src/limits/covering.ts';
import type { Allowance } from '../../src/limits/lockout.ts';
import type { Verdict } from '../../src/limits/verdict.ts';
import { judgeScene, limitOf, liveOf, NOON, recordOf } from './build.ts';
import type { Answer } from './build.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const fiveDollars = limitOf({ name: 'five', maxCostMicroUsd: 5_000_000 });

function kinds(verdicts: readonly Verdict[]): readonly string[] {
  return verdicts.map((verdict) => `${verdict.kind} ${verdict.limit}`);
}

function only(verdicts: readonly Verdict[]): Verdict {
  assert.equal(verdicts.length, 1, JSON.stringify(kinds(verdicts)));
  return verdicts[0] as Verdict;
}

describe('L1 where a cap trips', () => {
  test('L1 spend exactly at the cap does not trip, the next micro-dollar does', () => {
    const answers = [{ at: NOON, usd: 5 }];
    assert.deepEqual(judgeScene({ limits: [fiveDollars], answers }), []);
    const verdict = only(judgeScene({ limits: [fiveDollars], answers: [...answers, { at: NOON, usd: 0.000001 }] }));
    assert.equal(verdict.kind, 'stop');
    assert.equal(verdict.message, 'budget limit exceeded ($5.000001/$5.00)');
  });

  test('L1 tokens exactly at the cap do not trip, the next one does', () => {
    const limits = [limitOf({ maxTokens: 1_000 })];
    assert.deepEqual(judgeScene({ limits, answers: [{ at: NOON, tokens: 1_000 }] }), []);
    const verdict = only(judgeScene({ limits, answers: [{ at: NOON, tokens: 1_001 }] }));
    assert.equal(verdict.message, 'token limit exceeded (1,001/1,000)');
  });

  test('L1 a cap of nothing allows nothing', () => {
    const limits = [limitOf({ maxCostMicroUsd: 0, warnAt: [0.5] })];
    assert.deepEqual(judgeScene({ limits, answers: [{ at: NOON, usd: 0 }] }), []);
    assert.equal(only(judgeScene({ limits, answers: [{ at: NOON, usd: 0.000001 }] })).kind, 'stop');
  });

  test('L11 a run is stopped when its minutes are up, and only that run', () => {
    const limits = [limitOf({ name: 'life', period: 'run', maxMs: 60_000 })];
    const young = liveOf(recordOf('young'), { elapsedMs: 59_999 });
    const old = liveOf(recordOf('old'), { elapsedMs: 60_000 });
    const verdict = only(judgeScene({ limits, answers: [], live: [young, old] }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['old']);
    assert.equal(verdict.endReason, 'time-limit');
    assert.equal(verdict.lockout, null);
    assert.equal(verdict.message, 'time limit exceeded (1m/1m)');
  });
});

describe('L2 what a counter covers', () => {
  const perProject = [fiveDollars];
  const twoBranches: readonly Answer[] = [
    { at: NOON, usd: 3, branch: 'main', session: 's1' },
    { at: NOON, usd: 3, branch: 'feature/x', session: 's2' },
  ];

  test('L2 $3 on each of two branches trips a $5 project cap and locks the whole project', () => {
    const verdict = only(judgeScene({ limits: perProject, answers: twoBranches }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.counter.place, { project: '/w/app', branch: null, agent: null });
    assert.equal(verdict.lockout?.project, '/w/app');
    assert.equal(verdict.lockout.branch, null);
  });

  test('L2 the same on two projects does not: two repositories of one name are two', () => {
    const answers = twoBranches.map((answer, index) => ({ ...answer, project: `/w${index}/api` }));
    assert.deepEqual(judgeScene({ limits: perProject, answers }), []);
  });

  test('L2 a cap per branch trips on the branch that exceeds it, and locks only that one', () => {
    const limits = [limitOf({ per: 'branch', maxCostMicroUsd: 2_000_000, branch: 'feature/*' })];
    const verdict = only(judgeScene({ limits, answers: twoBranches }));
    assert.ok(verdict.kind === 'stop');
    assert.equal(verdict.lockout?.branch, 'feature/x');
  });

  test('L2 a detached HEAD is a branch of its own for a cap per branch, and locks no branch that has a name', async () => {
    const limits = [limitOf({ per: 'branch', maxCostMicroUsd: 1_000_000 })];
    const verdict = only(judgeScene({ limits, answers: [{ at: NOON, usd: 2, branch: null }] }));
    assert.ok(verdict.kind === 'stop' && verdict.lockout !== null);
    const place = { project: '/w/app', agent: 'claude' };
    const rows = [verdict.lockout];
    assert.equal((await coveringLockouts(rows, { ...place, branch: null }, NOON)).length, 1);
    assert.equal((await coveringLockouts(rows, { ...place, branch: 'main' }, NOON)).length, 0);
  });

  test('L2 a run that has changed its branch is matched by the branch it is on now', () => {
    const limits = [limitOf({ per: 'branch', maxCostMicroUsd: 2_000_000, branch: 'main' })];
    const stayed = liveOf(recordOf('stayed', { branch: 'main' }));
    const left = liveOf(recordOf('left', { branch: 'main' }), { branch: 'feature/x' });
    const came = liveOf(recordOf('came', { branch: 'feature/x' }), { branch: 'main' });
    const verdict = only(judgeScene({ limits, answers: twoBranches, live: [stayed, left, came] }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['stayed', 'came']);
  });

  test('L2 `cd` is no way out: a run that spends in another project is stopped by that project’s cap', () => {
    const visitor = liveOf(recordOf('visitor', { project: '/w/other' }));
    const neighbour = liveOf(recordOf('neighbour', { project: '/w/other' }));
    const answers = [{ at: NOON, usd: 6, run: 'visitor' }];
    const verdict = only(judgeScene({ limits: perProject, answers, live: [visitor, neighbour] }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['visitor']);
  });

  test('L2 one counter for all projects, or for one agent everywhere', () => {
    const answers = [
      { at: NOON, usd: 3, project: '/w/a', agent: 'claude' },
      { at: NOON, usd: 3, project: '/w/b', agent: 'codex' },
      { at: NOON, usd: 3, project: '/w/c', agent: 'codex' },
    ];
    const all = only(judgeScene({ limits: [limitOf({ per: 'all', maxCostMicroUsd: 8_000_000 })], answers }));
    assert.deepEqual(all.counter.place, { project: null, branch: null, agent: null });
    const agent = only(judgeScene({ limits: [limitOf({ per: 'agent', maxCostMicroUsd: 5_000_000 })], answers }));
    assert.deepEqual(agent.counter.place, { project: null, branch: null, agent: 'codex' });
  });

  test('a lockout of a wide counter locks only what the limit itself selects', async () => {
    const limits = [limitOf({ per: 'all', project: '/work/**', agent: 'claude', maxCostMicroUsd: 1 })];
    const verdict = only(judgeScene({ limits, answers: [{ at: NOON, usd: 1, project: '/work/a' }] }));
    assert.ok(verdict.kind === 'stop' && verdict.lockout !== null);
    const covers = async (project: string, agent: string): Promise<boolean> =>
      (await coveringLockouts([verdict.lockout as never], { project, branch: 'main', agent }, NOON)).length > 0;
    assert.equal(await covers('/work/b', 'claude'), true);
    assert.equal(await covers('/home/b', 'claude'), false);
    assert.equal(await covers('/work/b', 'codex'), false);
  });

  test('a script that starts agents counts as the agents it spends as', () => {
    const limits = [limitOf({ agent: 'claude', maxCostMicroUsd: 1 })];
    const script = liveOf(recordOf('script', { agent: null }));
    const idle = liveOf(recordOf('idle', { agent: null }));
    const verdict = only(judgeScene({ limits, answers: [{ at: NOON, usd: 1, run: 'script' }], live: [script, idle] }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['script']);
  });
});

describe('whom a limit selects', () => {
  test('by name and label of the run, nested runs included; spend of no known run does not count', () => {
    const night = recordOf('outer', { name: 'night-1', labels: { team: 'core' } });
    const inner = recordOf('inner', { parent: 'outer' });
    const other = recordOf('other', { name: 'day' });
    const answers = [
      { at: NOON, usd: 1, run: 'outer' },
      { at: NOON, usd: 1, run: 'inner' },
      { at: NOON, usd: 50, run: 'other' },
      { at: NOON, usd: 50, run: null },
      { at: NOON, usd: 50, run: 'forgotten' },
    ];
    const limits = [limitOf({ run: 'night-*', labels: { team: 'core' }, maxCostMicroUsd: 1_500_000 })];
    const verdict = only(judgeScene({ limits, answers, live: [night, inner, other].map((run) => liveOf(run)) }));
    assert.ok(verdict.kind === 'stop');
    assert.equal(verdict.counter.costMicroUsd, 2_000_000);
    assert.deepEqual(verdict.runs, ['outer'], 'the inner one ends with the outer one');
  });

  test('every matching limit applies, the strictest first', () => {
    const limits = [
      limitOf({ name: 'loose', maxCostMicroUsd: 100_000_000, warnAt: [0.01] }),
      limitOf({ name: 'refuses', maxCostMicroUsd: 4_000_000, action: 'refuse' }),
      limitOf({ name: 'stops', maxCostMicroUsd: 5_000_000, period: 'weekly' }),
      limitOf({ name: 'elsewhere', maxCostMicroUsd: 1, project: 'other' }),
      limitOf({ name: 'warns', maxCostMicroUsd: 1, action: 'warn' }),
    ];
    const live = [liveOf(recordOf('run'))];
    const verdicts = judgeScene({ limits, answers: [{ at: NOON, usd: 6 }], live });
    assert.deepEqual(kinds(verdicts), ['stop stops', 'refuse refuses', 'warn loose', 'warn warns']);
  });

  test('a limit that only warns says so once per period and stops nothing', () => {
    const verdict = only(
      judgeScene({ limits: [limitOf({ maxCostMicroUsd: 1, action: 'warn' })], answers: [{ at: NOON, usd: 1 }] }),
    );
    assert.equal(verdict.kind, 'warn');
    assert.equal(verdict.message, 'budget limit exceeded ($1.00/$0.000001)');
  });
});

describe('L3 days of a zone', () => {
  test('L3 $4 at 23:50 and $4 at 00:10 do not trip a $5 daily cap', () => {
    const calendar = { timeZone: 'America/New_York', weekStart: 'monday' } as const;
    const answers = [
      { at: Date.parse('2026-07-01T23:50:00-04:00'), usd: 4 },
      { at: Date.parse('2026-07-02T00:10:00-04:00'), usd: 4 },
    ];
    const now = Date.parse('2026-07-02T00:11:00-04:00');
    assert.deepEqual(judgeScene({ limits: [fiveDollars], answers, now, calendar }), []);
    // The same two fall on one day of UTC: it is the zone that tells them apart.
    assert.equal(judgeScene({ limits: [fiveDollars], answers, now }).length, 1);
  });

  test('L3 a lockout ends at local midnight', () => {
    const calendar = { timeZone: 'America/New_York', weekStart: 'monday' } as const;
    const now = Date.parse('2026-11-01T12:00:00-05:00');
    const verdict = only(judgeScene({ limits: [fiveDollars], answers: [{ at: now, usd: 6 }], now, calendar }));
    assert.ok(verdict.kind === 'stop');
    assert.equal(verdict.counter.start, Date.parse('2026-11-01T00:00:00-04:00'));
    assert.equal(verdict.lockout?.expiresAt, Date.parse('2026-11-02T00:00:00-05:00'));
  });
});

describe('L4 history', () => {
  const month = Array.from({ length: 30 }, (_, day) => ({
    at: NOON - (day + 1) * DAY_MS,
    usd: 100,
    session: 'old',
    run: 'old',
  }));

  test('L4 a month over the cap before today triggers nothing', () => {
    const limits = [fiveDollars, limitOf({ name: 'hour', period: 'hourly', maxCostMicroUsd: 1 })];
    const run = liveOf(recordOf('new'));
    assert.deepEqual(judgeScene({ limits, answers: month, live: [run] }), []);
  });

  test('L9 a session that is not live any more triggers nothing, a fresh one starts from nothing, the cumulative cap stands', () => {
    const perSession = limitOf({ name: 'session', period: 'session', maxCostMicroUsd: 5_000_000 });
    const run = liveOf(recordOf('new'));
    const answers = [...month, { at: NOON, usd: 4, session: 'fresh', run: 'new' }];
    const sessions = [{ run: 'new', session: 'fresh' }];
    assert.deepEqual(judgeScene({ limits: [perSession], answers, live: [run], sessions }), []);
    const total = limitOf({ name: 'total', period: 'total', maxCostMicroUsd: 100_000_000 });
    const verdict = only(judgeScene({ limits: [perSession, total], answers, live: [run], sessions }));
    assert.ok(verdict.kind === 'stop');
    assert.equal(verdict.limit, 'total');
    assert.equal(verdict.lockout?.expiresAt, null);
  });

  test('a session keeps its counter over a resume in another run', () => {
    const limits = [limitOf({ name: 'session', period: 'session', maxCostMicroUsd: 5_000_000 })];
    const answers = [
      { at: NOON - DAY_MS, usd: 3, session: 's', run: 'first' },
      { at: NOON, usd: 3, session: 's', run: 'second' },
    ];
    const sessions = [{ run: 'second', session: 's' }];
    const verdict = only(judgeScene({ limits, answers, live: [liveOf(recordOf('second'))], sessions }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['second']);
    assert.equal(verdict.lockout, null);
  });

  test('property: answers outside the period of now never change a verdict', () => {
    const past = fc.record({
      at: fc.integer({ min: 0, max: NOON - 12 * HOUR_MS - 1 }),
      usd: fc.integer({ min: 0, max: 1_000 }),
    });
    const today = fc.record({
      at: fc.integer({ min: NOON - 12 * HOUR_MS, max: NOON }),
      usd: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(past), fc.array(today), (before, now) => {
        const limits = [{ ...fiveDollars, warnAt: [0.5] }];
        assert.deepEqual(judgeScene({ limits, answers: [...before, ...now] }), judgeScene({ limits, answers: now }));
      }),
    );
  });
});

describe("a run's own caps", () => {
  test('--max-usd, --max-tokens and --max-minutes are limits of that run alone, named by their option', () => {
    const caps = { maxCostMicroUsd: 50_000, maxTokens: 100, maxMs: 60_000 };
    const run = liveOf(recordOf('capped', { caps }), { elapsedMs: 61_000 });
    const free = liveOf(recordOf('free'), { elapsedMs: 61_000 });
    const answers = [
      { at: NOON, usd: 0.06, tokens: 101, run: 'capped' },
      { at: NOON, usd: 9, tokens: 999, run: 'free' },
    ];
    const verdicts = judgeScene({ limits: [], answers, live: [run, free] });
    assert.deepEqual(
      verdicts.map((verdict) => [verdict.limit, verdict.message]),
      [
        ['--max-usd', 'budget limit exceeded ($0.06/$0.05)'],
        ['--max-tokens', 'token limit exceeded (101/100)'],
        ['--max-minutes', 'time limit exceeded (1m1s/1m)'],
      ],
    );
    for (const verdict of verdicts) {
      assert.ok(verdict.kind === 'stop');
      assert.deepEqual([verdict.runs, verdict.lockout, verdict.graceMs], [['capped'], null, 5_000]);
    }
  });

  test("K15 a nested run's spend counts in every run around it, at any depth, and only there", () => {
    const cap = { caps: { maxCostMicroUsd: 5_000_000 } };
    const live = [
      liveOf(recordOf('outer', cap)),
      liveOf(recordOf('middle', { parent: 'outer' })),
      liveOf(recordOf('inner', { parent: 'middle', ...cap })),
      liveOf(recordOf('beside', cap)),
    ];
    const answers = [
      { at: NOON, usd: 3, run: 'outer' },
      { at: NOON, usd: 3, run: 'inner' },
    ];
    const verdict = only(judgeScene({ limits: [], answers, live }));
    assert.ok(verdict.kind === 'stop');
    assert.deepEqual(verdict.runs, ['outer']);
  });

  test('an inner run that has ended still counts; records that name each other as parents do not hang', () => {
    const outer = recordOf('outer', { caps: { maxCostMicroUsd: 5_000_000 }, parent: 'ended' });
    const ended = recordOf('ended', { parent: 'outer' });
    const answers = [{ at: NOON, usd: 6, run: 'ended' }];
    const verdict = only(judgeScene({ limits: [], answers, live: [liveOf(outer)], runs: [ended] }));
    assert.equal(verdict.message, 'budget limit exceeded ($6.00/$5.00)');
  });
});

describe('L7 notices', () => {
  const warning = limitOf({ maxCostMicroUsd: 10_000_000, warnAt: [0.5, 0.8] });

  test('L7 the highest step that is reached speaks, at its exact fraction', () => {
    const at = (usd: number): readonly string[] =>
      judgeScene({ limits: [warning], answers: [{ at: NOON, usd }] }).map((verdict) => verdict.message);
    assert.deepEqual(at(4.999999), []);
    assert.deepEqual(at(5), ['50% of the budget is used ($5.00/$10.00)']);
    assert.deepEqual(at(8), ['80% of the budget is used ($8.00/$10.00)']);
    assert.deepEqual(at(10), ['80% of the budget is used ($10.00/$10.00)']);
    assert.deepEqual(at(10.5), ['budget limit exceeded ($10.50/$10.00)']);
  });

  test('L7 the key of a notice is the same on every judging of one step, and another one per step, counter and period', () => {
    const notice = (usd: number, now = NOON, project = '/w/app'): string =>
      JSON.stringify(only(judgeScene({ limits: [warning], answers: [{ at: now, usd, project }], now })).notice);
    assert.equal(notice(5), notice(6));
    const keys = [notice(5), notice(8), notice(11), notice(5, NOON + DAY_MS), notice(5, NOON, '/w/b')];
    assert.equal(new Set(keys).size, keys.length);
  });

  test('the cap nearest to its end is the one that warns', () => {
    const limits = [limitOf({ maxCostMicroUsd: 10_000_000, maxTokens: 1_000, warnAt: [0.125] })];
    const verdict = only(judgeScene({ limits, answers: [{ at: NOON, usd: 2, tokens: 900 }] }));
    assert.equal(verdict.message, '12.5% of the tokens are used (900/1,000)');
  });
});

describe('usage without a price', () => {
  const answers = [{ at: NOON, usd: 1, unpricedTokens: 12_000 }];

  test('U6 with unknown_model = "refuse" it is a breach of every money cap', () => {
    const verdict = only(judgeScene({ limits: [fiveDollars], answers, unknownModel: 'refuse' }));
    assert.equal(verdict.kind, 'stop');
    assert.equal(verdict.message, 'budget cannot be held: 12,000 tokens of a model without a price');
    assert.deepEqual(judgeScene({ limits: [limitOf({ maxTokens: 1 })], answers, unknownModel: 'refuse' }), []);
  });

  test('U6 with "tokens-only" it counts in token caps alone', () => {
    assert.deepEqual(judgeScene({ limits: [fiveDollars], answers, unknownModel: 'tokens-only' }), []);
  });
});

describe('L6 unlocks', () => {
  const spent = [{ at: NOON, usd: 6 }];

  function allowance(given: Partial<Allowance>): Allowance {
    return {
      id: 'a',
      limit: null,
      project: '/w/app',
      branch: null,
      agent: null,
      extraMicroUsd: null,
      grantedAt: NOON - HOUR_MS,
      expiresAt: NOON + HOUR_MS,
      by: 'someone',
      ...given,
    };
  }

  function after(given: Partial<Allowance>, scene: { now?: number; usd?: number } = {}): readonly string[] {
    const answers = [{ at: NOON, usd: scene.usd ?? 6 }];
    const allowances = [allowance(given)];
    return judgeScene({ limits: [fiveDollars], answers, allowances, now: scene.now ?? NOON }).map((one) => one.message);
  }

  test('L6 an unlock for a time lifts the cap until it ends, and ends by itself', () => {
    assert.deepEqual(after({}), []);
    assert.deepEqual(after({}, { now: NOON + HOUR_MS - 1 }), []);
    assert.deepEqual(after({}, { now: NOON + HOUR_MS }), ['budget limit exceeded ($6.00/$5.00)']);
  });

  test('L6 an unlock for an amount raises the cap by it, and ends when that is spent', () => {
    assert.deepEqual(after({ extraMicroUsd: 2_000_000 }), []);
    assert.deepEqual(after({ extraMicroUsd: 2_000_000 }, { usd: 7 }), []);
    assert.deepEqual(after({ extraMicroUsd: 2_000_000 }, { usd: 7.000001 }), [
      'budget limit exceeded ($7.000001/$7.00)',
    ]);
  });

  test('L6 amounts add up, and the second breach has a notice of its own', () => {
    const allowances = [allowance({ extraMicroUsd: 500_000 }), allowance({ extraMicroUsd: 400_000 })];
    const first = only(judgeScene({ limits: [fiveDollars], answers: spent }));
    const second = only(judgeScene({ limits: [fiveDollars], answers: spent, allowances }));
    assert.equal(second.message, 'budget limit exceeded ($6.00/$5.90)');
    assert.notDeepEqual(first.notice, second.notice);
  });

  for (const [what, given] of [
    ['another project', { project: '/w/b' }],
    ['another limit', { limit: 'weekly' }],
    ['one agent, when the cap is the project’s', { agent: 'claude' }],
    ['one branch, when the cap is the project’s', { branch: 'main' }],
    ['every project, when the cap is one project’s', { project: '*' }],
  ] as const) {
    test(`L6 an unlock of ${what} lifts nothing here`, () => {
      assert.equal(after(given).length, 1);
    });
  }

  test('L6 caps of a run and of a session are not lifted: they lock nothing out', () => {
    const live = [liveOf(recordOf('run', { caps: { maxCostMicroUsd: 1 } }))];
    const answers = [{ at: NOON, usd: 1, run: 'run' }];
    assert.equal(judgeScene({ limits: [], answers, live, allowances: [allowance({})] }).length, 1);
  });
});

describe('verdicts as a function', () => {
  const answer = fc.record({
    at: fc.integer({ min: NOON - 40 * DAY_MS, max: NOON }),
    usd: fc.integer({ min: 0, max: 5 }),
    tokens: fc.integer({ min: 0, max: 1_000 }),
    project: fc.constantFrom('/w/a', '/w/b'),
    branch: fc.constantFrom('main', 'feature/x', null),
    agent: fc.constantFrom('claude', 'codex'),
    run: fc.constantFrom('r1', 'r2', null),
  });
  const limit = fc
    .record({
      per: fc.constantFrom('project', 'branch', 'agent', 'all'),
      period: fc.constantFrom('hourly', 'daily', 'weekly', 'monthly', 'total'),
      branch: fc.constantFrom('*', 'feature/*', 'main'),
      maxCostMicroUsd: fc.integer({ min: 0, max: 20 }).map((usd) => usd * 1_000_000),
      action: fc.constantFrom('stop', 'refuse', 'warn'),
    })
    .map((given) => limitOf(given as Parameters<typeof limitOf>[0]));

  test('property: splitting or reordering the rows changes no verdict, so neither does a restart', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 30 }), limit, (answers, one) => {
        const messages = (list: readonly Answer[]): readonly string[] =>
          judgeScene({ limits: [one], answers: list })
            .map((verdict) => `${verdict.kind} ${verdict.message} ${JSON.stringify(verdict.notice)}`)
            .toSorted();
        assert.deepEqual(messages(answers.toReversed()), messages(answers));
      }),
    );
  });

  test('property: a counter forbids exactly when its spend in the period is above the cap', () => {
    fc.assert(
      fc.property(fc.array(answer, { maxLength: 30 }), limit, (answers, one) => {
        const verdicts = judgeScene({ limits: [one], answers });
        for (const verdict of verdicts) {
          assert.ok(verdict.counter.costMicroUsd > (one.maxCostMicroUsd as number));
          assert.equal(verdict.kind, one.action);
          assert.ok(verdict.counter.start <= NOON && (verdict.counter.end === null || NOON < verdict.counter.end));
        }
        // Money is counted once: the counters of one limit never hold more than was spent.
        const counted = verdicts.reduce((sum, verdict) => sum + verdict.counter.costMicroUsd, 0);
        assert.ok(counted <= answers.reduce((sum, { usd }) => sum + usd * 1_000_000, 0));
      }),
    );
  });

  test('property: the lockout of a breach covers every place that spent in the counter', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(answer, { maxLength: 20 }), limit, async (answers, one) => {
        for (const verdict of judgeScene({ limits: [one], answers })) {
          if (verdict.kind === 'warn' || verdict.lockout === null) continue;
          const { start } = verdict.counter;
          const { project, branch, agent } = verdict.counter.place;
          const inCounter = answers.filter(
            (row) =>
              row.at >= start &&
              (project === null || row.project === project) &&
              (branch === null || (row.branch ?? 'HEAD') === branch) &&
              (agent === null || row.agent === agent) &&
              (one.branch === '*' ||
                row.branch === one.branch ||
                (one.branch === 'feature/*' && row.branch === 'feature/x')),
          );
          assert.ok(inCounter.length > 0);
          for (const row of inCounter) {
            const place = { project: row.project, branch: row.branch, agent: row.agent };
            assert.equal((await coveringLockouts([verdict.lockout], place, NOON)).length, 1);
          }
        }
      }),
    );
  });
});
