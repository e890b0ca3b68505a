import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RunId } from '../../src/runs/record.ts';
import type { Store } from '../../src/store/store.ts';
import type { LedgerStore, LogCursor, PricedEntry } from '../../src/usage/ports.ts';
import { answerOf, NOW } from './samples.ts';

const RUN_A = `run_01J${'0'.repeat(22)}A` as RunId;
const RUN_B = `run_01J${'0'.repeat(22)}B` as RunId;

const CURSOR: LogCursor = {
  file: '/logs/session-a.jsonl',
  agent: 'claude',
  device: 66_305,
  inode: 2 ** 60,
  offset: 4_096,
  fingerprint: 'abc',
  modifiedMs: 1_760_000_000_000.25,
  carry: '{"last":1}',
};

function tokensOf(output: number): PricedEntry['tokens'] {
  return { input: 1, output, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
}

/** What every LedgerStore does. */
export function describeLedgerStore(name: string, open: () => Promise<Store>): void {
  const withLedger = (test: (ledger: LedgerStore) => Promise<void>) => async () => {
    await using store = await open();
    await test(store.ledger);
  };
  const ingest = (ledger: LedgerStore, ...entries: readonly PricedEntry[]) =>
    ledger.ingest({ entries, prompts: [], cursors: [], problems: [] });

  describe(`${name}: ledger`, () => {
    it(
      'gives entries back as they were written, by time, with no run while none is linked',
      withLedger(async (ledger) => {
        const entries = [
          answerOf({ timestamp: NOW + 2, subagentId: 'agent-1', branch: null, requestId: null, toolUse: true }),
          answerOf({ timestamp: NOW + 1, costMicroUsd: null, basis: 'none', model: 'claude-next' }),
          answerOf({ timestamp: NOW, project: '/w/ü', sessionId: 'session-b' }),
        ];
        assert.deepEqual(await ingest(ledger, ...entries), { inserted: 3, grown: 0 });
        const expected = entries.toReversed().map((entry) => ({ ...entry, runId: null }));
        assert.deepEqual(await ledger.entries({}), expected);
      }),
    );

    it(
      'keeps what names no folder apart from every project, until another line of its session names one, before or after',
      withLedger(async (ledger) => {
        const nowhere = { cwd: null, project: null, branch: null };
        const early = answerOf({ ...nowhere, timestamp: NOW });
        const alone = answerOf({ ...nowhere, timestamp: NOW + 1, sessionId: 'session-b' });
        await ingest(ledger, early, alone);
        assert.deepEqual(
          (await ledger.entries({})).map(({ cwd, project, branch }) => ({ cwd, project, branch })),
          [nowhere, nowhere],
        );
        assert.deepEqual(
          (await ledger.sums({}, ['project'])).map(({ project, answers }) => [project, answers]),
          [[null, 2]],
        );
        assert.deepEqual(await ledger.sums({ project: '/w/api' }, []), []);
        await ingest(
          ledger,
          answerOf({ timestamp: NOW + 2, file: '/logs/other.jsonl', project: '/w/web', branch: 'next' }),
          answerOf({ timestamp: NOW + 3, project: '/w/api', branch: 'main' }),
        );
        await ingest(ledger, answerOf({ ...nowhere, timestamp: NOW + 4, branch: 'topic' }));
        await ingest(ledger, answerOf({ ...nowhere, timestamp: NOW + 5 }));
        const places = (await ledger.entries({})).map(({ cwd, project, branch }) => [cwd === null, project, branch]);
        assert.deepEqual(places, [
          [true, '/w/api', 'main'],
          [true, null, null],
          [false, '/w/web', 'next'],
          [false, '/w/api', 'main'],
          [true, '/w/api', 'topic'],
          [true, '/w/api', 'main'],
        ]);
      }),
    );

    it(
      'leaves nothing without a project where lines without a folder, with a branch and without, turn out to be of one place',
      withLedger(async (ledger) => {
        const nowhere = { cwd: null, project: null };
        await ingest(ledger, answerOf({ ...nowhere, branch: null }), answerOf({ ...nowhere, branch: 'main' }));
        await ingest(ledger, answerOf({ project: '/w/api', branch: 'main' }));
        await ingest(ledger, answerOf({ ...nowhere, branch: null }), answerOf({ ...nowhere, branch: 'main' }));
        assert.deepEqual(
          (await ledger.sums({}, ['project', 'branch'])).map(({ project, branch, answers }) => [
            project,
            branch,
            answers,
          ]),
          [['/w/api', 'main', 5]],
        );
      }),
    );

    it(
      'takes batches of any size',
      withLedger(async (ledger) => {
        for (const size of [0, 1, 31, 32, 33, 100])
          assert.deepEqual(await ingest(ledger, ...Array.from({ length: size }, () => answerOf())), {
            inserted: size,
            grown: 0,
          });
        assert.equal((await ledger.sums({}, []))[0]?.answers, 197);
      }),
    );

    it(
      'U1 counts lines of one answer once, at the largest usage, and a copy in another file not at all',
      withLedger(async (ledger) => {
        const answer = answerOf();
        const line = (output: number, given: Partial<PricedEntry> = {}) => ({
          ...answer,
          tokens: tokensOf(output),
          costMicroUsd: output * 10,
          ...given,
        });
        assert.deepEqual(await ingest(ledger, line(1), line(2), line(7), line(5), line(6)), { inserted: 1, grown: 2 });
        assert.deepEqual(await ingest(ledger, line(7)), { inserted: 0, grown: 0 });
        const copy = line(7, { file: '/logs/fork.jsonl', sessionId: 'fork', offset: 5 });
        assert.deepEqual(await ingest(ledger, copy), { inserted: 0, grown: 0 });
        const [sum] = await ledger.sums({}, ['session']);
        assert.equal(sum?.sessionId, 'session-a');
        assert.deepEqual([sum.answers, sum.tokens.output, sum.costMicroUsd], [1, 7, 70]);
      }),
    );

    it(
      'U1 takes tokens, price and model of the larger usage together, and completes what a line lacks',
      withLedger(async (ledger) => {
        const answer = answerOf({ requestId: null, tokens: tokensOf(1), basis: 'assumed', costMicroUsd: 5 });
        const larger = {
          ...answer,
          requestId: 'req',
          timestamp: NOW + 5,
          offset: answer.offset + 10,
          tokens: tokensOf(9),
          model: 'claude-haiku-4-5',
          costMicroUsd: 90,
          basis: 'exact' as const,
          priceVersion: 'prices@2',
        };
        await ingest(ledger, answer);
        await ingest(ledger, larger);
        const smallToolCall = { ...answer, timestamp: NOW + 9, tokens: tokensOf(2), toolUse: true };
        assert.deepEqual(await ingest(ledger, smallToolCall), { inserted: 0, grown: 1 });
        assert.deepEqual(await ledger.entries({}), [
          { ...larger, timestamp: NOW, offset: answer.offset, toolUse: true, runId: null },
        ]);
      }),
    );

    it(
      'keeps the same message id of two agents apart',
      withLedger(async (ledger) => {
        await ingest(
          ledger,
          answerOf({ messageKey: 'm', agent: 'claude' }),
          answerOf({ messageKey: 'm', agent: 'codex' }),
        );
        assert.equal((await ledger.sums({}, ['agent'])).length, 2);
      }),
    );

    it('comes to the same ledger whatever the order of lines and batches, files being seen in the same order', async () => {
      const line = fc.record({
        messageKey: fc.constantFrom('m1', 'm2', 'm3'),
        file: fc.constantFrom('/logs/a', '/logs/b', '/logs/c'),
        timestamp: fc.constantFrom(NOW, NOW + 1, NOW + 2),
        offset: fc.constantFrom(0, 10, 20),
        output: fc.integer({ min: 0, max: 3 }),
        cacheRead: fc.integer({ min: 0, max: 3 }),
        toolUse: fc.boolean(),
      });
      const plan = fc.array(line, { maxLength: 40 }).chain((lines) =>
        fc.tuple(
          fc.constant(lines),
          fc.shuffledSubarray(
            lines.map((_, index) => index),
            { minLength: lines.length },
          ),
          fc.nat(40),
        ),
      );
      // Makes each file known first, in one order, by an answer of its own.
      const greetings = ['/logs/a', '/logs/b', '/logs/c'].map((file) =>
        answerOf({ file, messageKey: `greeting ${file}` }),
      );
      await fc.assert(
        fc.asyncProperty(plan, async ([lines, order, cut]) => {
          const entries = lines.map(({ output, cacheRead, ...given }) =>
            answerOf({
              ...given,
              requestId: null,
              sessionId: given.file,
              tokens: { ...tokensOf(output), cacheRead },
              costMicroUsd: output * 100 + cacheRead,
            }),
          );
          const ledgerOf = async (batches: readonly (readonly PricedEntry[])[]) => {
            await using store = await open();
            for (const batch of [greetings, ...batches]) await ingest(store.ledger, ...batch);
            return await store.ledger.entries({});
          };
          const shuffled = order.flatMap((index) => entries[index] ?? []);
          assert.deepEqual(await ledgerOf([shuffled.slice(0, cut), shuffled.slice(cut)]), await ledgerOf([entries]));
        }),
        { numRuns: 25 },
      );
    });

    it(
      'sums by every column, with priced, unpriced and assumed apart',
      withLedger(async (ledger) => {
        await ingest(
          ledger,
          answerOf({ toolUse: true, timestamp: NOW + 3 }),
          answerOf({ branch: null, basis: 'assumed', costMicroUsd: 7, timestamp: NOW - 3 }),
          answerOf({ basis: 'none', costMicroUsd: null, subagentId: 'agent-1' }),
        );
        assert.equal(await ledger.firstAt({}), (await ledger.entries({}))[0]?.timestamp);
        assert.equal(await ledger.firstAt({ project: '/nowhere' }), null);
        const [all, ...none] = await ledger.sums({}, []);
        assert.deepEqual(none, []);
        assert.deepEqual(all, {
          project: null,
          branch: null,
          agent: null,
          model: null,
          sessionId: null,
          runId: null,
          subagentId: null,
          tokens: { input: 30, output: 60, cacheWrite5m: 90, cacheWrite1h: 120, cacheRead: 150 },
          costMicroUsd: 1_507,
          unpricedTokens: 150,
          assumedTokens: 150,
          answers: 3,
          toolTurns: 1,
          firstAt: NOW - 3,
          lastAt: NOW + 3,
        });
        const columns = ['project', 'branch', 'agent', 'model', 'session', 'run', 'subagent'] as const;
        for (const column of columns) {
          const sums = await ledger.sums({}, [column]);
          assert.equal(sums.length, column === 'branch' || column === 'subagent' ? 2 : 1, column);
          assert.equal(
            sums.reduce((total, sum) => total + sum.costMicroUsd, 0),
            1_507,
          );
          assert.equal(
            sums.reduce((total, sum) => total + sum.assumedTokens, 0),
            150,
          );
        }
        assert.equal((await ledger.sums({}, columns)).length, 3);
      }),
    );

    it(
      'sums what is more than an integer of JavaScript holds',
      withLedger(async (ledger) => {
        const costMicroUsd = Number.MAX_SAFE_INTEGER;
        const tokens = tokensOf(costMicroUsd);
        await ingest(
          ledger,
          answerOf({ costMicroUsd, tokens }),
          answerOf({ costMicroUsd, tokens, timestamp: NOW + 1 }),
        );
        for (const columns of [[], ['project']] as const) {
          const [sum] = await ledger.sums({}, columns);
          assert.equal(sum?.costMicroUsd, 2 * costMicroUsd);
          assert.equal(sum.tokens.output, 2 * costMicroUsd);
        }
      }),
    );

    it(
      'sums and lists only what a query asks for; nothing is no row',
      withLedger(async (ledger) => {
        await ingest(
          ledger,
          answerOf({ timestamp: NOW }),
          answerOf({ timestamp: NOW + 10, project: '/w/web', branch: 'next', sessionId: 'session-b' }),
          answerOf({ timestamp: NOW + 20, agent: 'codex' }),
        );
        const answers = async (query: Parameters<LedgerStore['sums']>[0]) => {
          const [sum] = await ledger.sums(query, []);
          assert.equal((await ledger.entries(query)).length, sum?.answers ?? 0);
          return sum?.answers ?? 0;
        };
        assert.equal(await answers({}), 3);
        assert.equal(await answers({ since: NOW + 10 }), 2);
        assert.equal(await answers({ until: NOW + 10 }), 1);
        assert.equal(await answers({ project: '/w/web', branch: 'next' }), 1);
        assert.equal(await answers({ project: '/w/web', branch: 'main' }), 0);
        assert.equal(await answers({ agent: 'codex' }), 1);
        assert.equal(await answers({ sessionId: 'session-b' }), 1);
        assert.equal(await answers({ runIds: [] }), 0);
        assert.deepEqual(await ledger.sums({ project: '/nowhere' }, ['project']), []);
      }),
    );

    it(
      'attributes a session to the run linked last at or before the answer: a resume gives it several runs',
      withLedger(async (ledger) => {
        const at = [NOW, NOW + 10, NOW + 20, NOW + 30];
        await ingest(
          ledger,
          ...at.map((timestamp) => answerOf({ timestamp })),
          answerOf({ timestamp: NOW + 20, sessionId: 'session-b' }),
          answerOf({ timestamp: NOW + 20, agent: 'codex' }),
        );
        const link = { agent: 'claude', sessionId: 'session-a' };
        await ledger.linkSession({ ...link, runId: RUN_A, fromMs: NOW + 15 });
        await ledger.linkSession({ ...link, runId: RUN_A, fromMs: NOW + 10 });
        await ledger.linkSession({ ...link, runId: RUN_A, fromMs: NOW + 29 });
        await ledger.linkSession({ ...link, runId: RUN_B, fromMs: NOW + 30 });
        const byRun = new Map((await ledger.sums({}, ['run'])).map((sum) => [sum.runId, sum.answers]));
        assert.deepEqual(Object.fromEntries(byRun), { null: 3, [RUN_A]: 2, [RUN_B]: 1 });
        assert.equal((await ledger.sums({ runIds: [RUN_A] }, []))[0]?.answers, 2);
        assert.equal((await ledger.sums({ runIds: [RUN_A, RUN_B] }, ['run'])).length, 2);
        assert.deepEqual(
          (await ledger.entries({ runIds: [RUN_A] })).map(({ timestamp, runId }) => [timestamp, runId]),
          [
            [NOW + 10, RUN_A],
            [NOW + 20, RUN_A],
          ],
        );
        assert.deepEqual(await ledger.links({ sessionId: 'session-a' }), [
          { ...link, runId: RUN_A, fromMs: NOW + 10 },
          { ...link, runId: RUN_B, fromMs: NOW + 30 },
        ]);
        assert.deepEqual(await ledger.links({ runIds: [RUN_B] }), [{ ...link, runId: RUN_B, fromMs: NOW + 30 }]);
        assert.deepEqual(await ledger.links({ sessionId: 'session-b' }), []);
        await ledger.leaveSession({ ...link, runId: RUN_B, untilMs: NOW + 30 });
        assert.equal((await ledger.sums({ runIds: [RUN_A] }, []))[0]?.answers, 3, 'back with the run before');
        assert.deepEqual(await ledger.sums({ runIds: [RUN_B] }, []), []);
      }),
    );

    it(
      'U6 lists what has no exact price and prices it again, tokens untouched',
      withLedger(async (ledger) => {
        const exact = answerOf();
        const assumed = answerOf({ basis: 'assumed', timestamp: NOW + 1 });
        const none = answerOf({ basis: 'none', costMicroUsd: null, timestamp: NOW + 2 });
        await ingest(ledger, exact, assumed, none);
        const keys = async (...query: Parameters<LedgerStore['inexact']>) =>
          (await ledger.inexact(...query)).map(({ messageKey }) => messageKey);
        assert.deepEqual(await keys(), [assumed.messageKey, none.messageKey]);
        assert.deepEqual(await keys({ except: { priceVersion: 'prices@1', basis: 'assumed' } }), [none.messageKey]);
        const pricing = { costMicroUsd: 42, basis: 'exact', priceVersion: 'prices@2' } as const;
        await ledger.reprice([
          { agent: 'claude', messageKey: none.messageKey, pricing },
          { agent: 'claude', messageKey: 'unknown', pricing },
          { agent: 'nobody', messageKey: none.messageKey, pricing },
        ]);
        assert.deepEqual(await keys(), [assumed.messageKey]);
        assert.deepEqual((await ledger.entries({ since: NOW + 2 }))[0], { ...none, ...pricing, runId: null });
      }),
    );

    it(
      'keeps one cursor per log, exactly as given',
      withLedger(async (ledger) => {
        const save = (cursor: LogCursor) =>
          ledger.ingest({ entries: [], prompts: [], cursors: [cursor], problems: [] });
        await save(CURSOR);
        await save({ ...CURSOR, file: '/logs/b.jsonl' });
        await save({ ...CURSOR, offset: 8_192, carry: '{}' });
        assert.deepEqual(await ledger.cursors(), [
          { ...CURSOR, file: '/logs/b.jsonl' },
          { ...CURSOR, offset: 8_192, carry: '{}' },
        ]);
      }),
    );

    it(
      'keeps problems, the newest first, the same one once with its latest time',
      withLedger(async (ledger) => {
        const problem = { file: '/logs/a', offset: null, message: 'cannot be read', at: NOW };
        const other = { ...problem, offset: 7, message: 'is no JSON', at: NOW + 1 };
        await ledger.ingest({ entries: [], prompts: [], cursors: [], problems: [problem, other] });
        assert.deepEqual(await ledger.problems(10), [other, problem]);
        await ledger.ingest({ entries: [], prompts: [], cursors: [], problems: [{ ...problem, at: NOW + 2 }] });
        assert.deepEqual(await ledger.problems(10), [{ ...problem, at: NOW + 2 }, other]);
        assert.equal((await ledger.problems(1)).length, 1);
      }),
    );
  });
}
