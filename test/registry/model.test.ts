import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMemoryStore, createRegistry, systemClock, type Registry, type Store } from '../../src/index.ts';
import { outcomeOf } from '../../src/runs/lifecycle.ts';
import type { RunStateName } from '../../src/runs/record.ts';
import { codeOf } from '../contracts/samples.ts';
import { openStore, PLAIN } from './stage.ts';

/** What whoever speaks for a run without a process can do to it. */
type Action =
  | { readonly does: 'note' | 'own' | 'ask' | 'ask-hard' | 'go-on' | 'reconcile' }
  | { readonly does: 'complete'; readonly exitCode: number };

/** What must be true of a run, kept apart from how the registry comes to it. */
interface Model {
  state: RunStateName;
  exitCode: number | null;
  note: string | null;
  turnId: string | null;
}

const ENDED: readonly RunStateName[] = ['completed', 'failed', 'interrupted', 'stale'];

const action: fc.Arbitrary<Action> = fc.oneof(
  fc.constantFrom('note', 'own', 'ask', 'ask-hard', 'go-on').map((does) => ({ does })),
  { weight: 1, arbitrary: fc.constant({ does: 'reconcile' } as const) },
  fc.integer({ min: 0, max: 1 }).map((exitCode) => ({ does: 'complete', exitCode }) as const),
);

/** Does it, and says what must have become of the run. */
async function act(
  registry: Registry,
  id: Parameters<Registry['complete']>[0],
  model: Model,
  done: Action,
): Promise<void> {
  const isEnded = ENDED.includes(model.state);
  const refused = isEnded ? 'RUN_ENDED' : 'no error';
  switch (done.does) {
    case 'note':
      assert.equal(await codeOf(registry.checkpoint(id, { error: 'a note' })), refused);
      if (!isEnded) model.note = 'a note';
      return;
    case 'own':
      assert.equal(await codeOf(registry.checkpoint(id, { owner: { turnId: 't1' } })), refused);
      if (!isEnded) model.turnId = 't1';
      return;
    case 'ask':
      assert.equal(await codeOf(registry.checkpoint(id, { state: 'interrupting' })), refused);
      if (!isEnded) model.state = 'interrupting';
      return;
    case 'go-on': {
      // Without a process it was never running: it can neither be again.
      assert.equal(await codeOf(registry.checkpoint(id, { state: 'running' })), isEnded ? 'RUN_ENDED' : goOn(model));
      return;
    }
    case 'ask-hard': {
      const report = await registry.interrupt({ run: id, hard: true, graceMs: 0, reason: 'enough' });
      assert.equal(report.matched, 1);
      assert.equal(report.stale, isEnded ? 1 : 0);
      if (!isEnded) Object.assign(model, { state: 'interrupted' });
      return;
    }
    case 'reconcile': {
      const found = await registry.reconcileBoot();
      assert.equal(found.checked, isEnded ? 0 : 1);
      if (isEnded) return;
      model.state = model.state === 'interrupting' ? 'interrupted' : 'failed';
      return;
    }
    case 'complete': {
      const record = await registry.complete(id, { exitCode: done.exitCode });
      if (isEnded) return assert.equal(record.current.state, model.state);
      const name = done.exitCode === 0 ? 'completed' : 'failed';
      Object.assign(model, { state: model.state === 'interrupting' ? 'interrupted' : name, exitCode: done.exitCode });
    }
  }
}

function goOn(model: Model): string {
  if (model.state !== 'interrupting') return 'TRANSITION_ILLEGAL';
  model.state = 'starting';
  return 'no error';
}

async function follow(store: Store, actions: readonly Action[]): Promise<void> {
  const registry = createRegistry(store, { clock: systemClock });
  const { id } = await registry.register(PLAIN);
  const model: Model = { state: 'starting', exitCode: null, note: null, turnId: null };
  for (const done of actions) {
    const before = await store.runs.get(id);
    const wasEnded = ENDED.includes(model.state);
    await act(registry, id, model, done);
    const after = await store.runs.get(id);
    assert.ok(after !== null);
    if (wasEnded) assert.deepEqual(after, before, `${done.does} changed a run that has ended`);
    assert.equal(after.current.state, model.state, done.does);
    assert.equal(after.intent.owner.turnId, model.turnId);
    assert.equal(outcomeOf(after.current)?.exitCode ?? null, model.exitCode);
  }
  await registry.complete(id);
  await registry.close();
}

test('O5 O6 whatever is said of a run in whatever order, memory and SQLite agree with the model', async (t) => {
  const sqlite = await openStore(t);
  for (const store of [createMemoryStore(), sqlite])
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 8 }), (actions) => follow(store, actions)),
      { numRuns: 100 },
    );
});
