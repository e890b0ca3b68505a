import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { RunId } from '../../src/runs/record.ts';
import type { Store } from '../../src/store/store.ts';
import type { PromptEntry } from '../../src/usage/entry.ts';
import type { LedgerStore, UsageQuery } from '../../src/usage/ports.ts';
import { answerOf, NOW, promptOf } from './samples.ts';

const RUN_A = `run_01J${'0'.repeat(22)}A` as RunId;
const RUN_B = `run_01J${'0'.repeat(22)}B` as RunId;

/** What every LedgerStore does with prompts. */
export function describeLedgerTurns(name: string, open: () => Promise<Store>): void {
  const withLedger = (test: (ledger: LedgerStore) => Promise<void>) => async () => {
    await using store = await open();
    await test(store.ledger);
  };
  const prompt = (ledger: LedgerStore, ...prompts: readonly PromptEntry[]) =>
    ledger.ingest({ entries: [], prompts, cursors: [], problems: [] });

  const turnsBy = async (
    ledger: LedgerStore,
    column: 'project' | 'branch' | 'agent' | 'sessionId' | 'runId',
    query: UsageQuery = {},
  ): Promise<object> => {
    const grouped = column === 'sessionId' ? 'session' : column === 'runId' ? 'run' : column;
    return Object.fromEntries((await ledger.turns(query, [grouped])).map((sum) => [sum[column], sum.turns]));
  };

  describe(`${name}: turns in the ledger`, () => {
    it(
      'counts every prompt once, with the session it was given in first: a copy in another file is none',
      withLedger(async (ledger) => {
        const first = promptOf();
        const copy = { ...first, sessionId: 'fork', file: '/logs/fork.jsonl', offset: 0 };
        const second = promptOf({ sessionId: 'fork', file: '/logs/fork.jsonl', timestamp: NOW + 5 });
        assert.deepEqual(await prompt(ledger, first), { inserted: 0, grown: 0 });
        await prompt(ledger, copy, second, first);
        await prompt(ledger, second);
        assert.deepEqual(await turnsBy(ledger, 'sessionId'), { 'session-a': 1, fork: 1 });
        assert.deepEqual(await ledger.sums({}, []), [], 'a prompt is no answer');
        assert.equal(await ledger.firstAt({}), null);
      }),
    );

    it(
      'moves a prompt to where it was given earlier, and keeps equal keys of two agents apart',
      withLedger(async (ledger) => {
        const late = promptOf({ timestamp: NOW + 9, sessionId: 'late', project: '/w/late' });
        await prompt(ledger, late, { ...late, agent: 'codex' });
        await prompt(ledger, { ...late, timestamp: NOW, sessionId: 'early', project: '/w/early' });
        assert.deepEqual(await ledger.turns({ agent: 'claude' }, ['session', 'project', 'agent']), [
          { project: '/w/early', branch: null, agent: 'claude', sessionId: 'early', runId: null, turns: 1 },
        ]);
        assert.deepEqual(await turnsBy(ledger, 'agent'), { claude: 1, codex: 1 });
        assert.deepEqual(await ledger.turns({ since: NOW, until: NOW + 9 }, []), [
          { project: null, branch: null, agent: null, sessionId: null, runId: null, turns: 1 },
        ]);
      }),
    );

    it(
      'counts turns by every column, and only those that a query asks for; nothing is no row',
      withLedger(async (ledger) => {
        await prompt(
          ledger,
          promptOf(),
          promptOf({ timestamp: NOW + 10, project: '/w/web', branch: null, sessionId: 'session-b' }),
          promptOf({ timestamp: NOW + 20, branch: 'next' }),
        );
        const turns = async (query: Parameters<LedgerStore['turns']>[0]) =>
          (await ledger.turns(query, []))[0]?.turns ?? 0;
        assert.equal(await turns({}), 3);
        assert.equal(await turns({ since: NOW + 10 }), 2);
        assert.equal(await turns({ until: NOW + 10 }), 1);
        assert.equal(await turns({ project: '/w/web' }), 1);
        assert.equal(await turns({ branch: 'next', project: '/w/api' }), 1);
        assert.equal(await turns({ sessionId: 'session-b', agent: 'claude' }), 1);
        assert.equal(await turns({ runIds: [] }), 0);
        assert.deepEqual(await ledger.turns({ project: '/nowhere' }, []), []);
        assert.deepEqual(await ledger.turns({ project: '/nowhere' }, ['project']), []);
        assert.deepEqual(await turnsBy(ledger, 'project'), { '/w/api': 2, '/w/web': 1 });
        assert.deepEqual(await turnsBy(ledger, 'branch'), { main: 1, null: 1, next: 1 });
        assert.equal((await ledger.turns({}, ['project', 'branch', 'agent', 'session', 'run'])).length, 3);
      }),
    );

    it(
      'attributes a prompt to the run that its session was linked to last at or before it, as answers are',
      withLedger(async (ledger) => {
        const at = [NOW, NOW + 10, NOW + 20, NOW + 30];
        await prompt(
          ledger,
          ...at.map((timestamp) => promptOf({ timestamp })),
          promptOf({ timestamp: NOW + 20, sessionId: 'session-b' }),
          promptOf({ timestamp: NOW + 20, agent: 'codex' }),
        );
        const link = { agent: 'claude', sessionId: 'session-a' };
        await ledger.linkSession({ ...link, runId: RUN_A, fromMs: NOW + 10 });
        await ledger.linkSession({ ...link, runId: RUN_B, fromMs: NOW + 30 });
        assert.deepEqual(await turnsBy(ledger, 'runId'), { null: 3, [RUN_A]: 2, [RUN_B]: 1 });
        assert.deepEqual(await turnsBy(ledger, 'runId', { runIds: [RUN_A] }), { [RUN_A]: 2 });
        assert.deepEqual(await turnsBy(ledger, 'runId', { runIds: [RUN_A, RUN_B] }), { [RUN_A]: 2, [RUN_B]: 1 });
      }),
    );

    it('comes to the same turns whatever the order of prompts and batches, files being seen in the same order', async () => {
      const files = ['/logs/a', '/logs/b', '/logs/c'];
      const line = fc.record({
        promptKey: fc.constantFrom('p1', 'p2', 'p3'),
        file: fc.constantFrom(...files),
        timestamp: fc.constantFrom(NOW, NOW + 1, NOW + 2),
        offset: fc.constantFrom(0, 10, 20),
      });
      const plan = fc
        .array(line, { maxLength: 30 })
        .chain((lines) =>
          fc.tuple(fc.constant(lines), fc.shuffledSubarray(lines, { minLength: lines.length }), fc.nat(30)),
        );
      const greetings = files.map((file) => answerOf({ file }));
      await fc.assert(
        fc.asyncProperty(plan, async ([lines, shuffled, cut]) => {
          const turnsOf = async (batches: readonly (typeof lines)[]) => {
            await using store = await open();
            await store.ledger.ingest({ entries: greetings, prompts: [], cursors: [], problems: [] });
            for (const batch of batches)
              await prompt(
                store.ledger,
                ...batch.map((given) => promptOf({ ...given, sessionId: given.file, branch: `at ${given.offset}` })),
              );
            const sums = await store.ledger.turns({}, ['session', 'branch']);
            return sums.map((sum) => JSON.stringify(sum)).toSorted();
          };
          const whole = await turnsOf([lines]);
          assert.deepEqual(await turnsOf([shuffled.slice(0, cut), shuffled.slice(cut)]), whole);
          assert.deepEqual(await turnsOf([lines, shuffled]), whole, 'read twice');
        }),
        { numRuns: 25 },
      );
    });
  });
}
