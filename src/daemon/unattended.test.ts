import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intentOf, NOW, STARTED, STOPPING } from '../../test/contracts/samples.ts';
import type { RunRecord, RunState } from '../runs/record.ts';
import { createUnattendedWatch } from './unattended.ts';

const INTERRUPTING: RunState = {
  state: 'interrupting',
  started: STARTED,
  interrupt: { reason: 'interrupt', message: null, requestedAt: NOW },
  exit: null,
};

function runIn(current: RunState): RunRecord {
  return { intent: intentOf({ graceMs: 10_000 }), current, updatedAt: NOW, version: 2 };
}

test('a stop or an interrupt that stays unattended is handed on, once, when its time is up', () => {
  let now = 0;
  const handedOn: RunRecord[] = [];
  const look = createUnattendedWatch({
    monotonicMs: () => now,
    lives: () => true,
    carryOn: (record) => handedOn.push(record),
  });
  const stopping = runIn(STOPPING);
  const asked = runIn(INTERRUPTING);
  const running = runIn({ state: 'running', started: STARTED });
  const at = (ms: number): readonly RunRecord[] => {
    now = ms;
    look([stopping, asked, running]);
    return handedOn;
  };
  assert.deepEqual(at(0), []);
  assert.deepEqual(at(69_999), []);
  assert.deepEqual(at(70_000), [stopping]);
  assert.deepEqual(at(299_999), [stopping]);
  assert.deepEqual(at(300_000), [stopping, asked]);
  assert.deepEqual(at(900_000), [stopping, asked]);
});

test('the time begins anew for a run that went on in between', () => {
  let now = 0;
  const handedOn: RunRecord[] = [];
  const look = createUnattendedWatch({
    monotonicMs: () => now,
    lives: () => true,
    carryOn: (record) => handedOn.push(record),
  });
  const asked = runIn(INTERRUPTING);
  look([asked]);
  now = 200_000;
  look([{ ...asked, current: { state: 'running', started: STARTED } }]);
  now = 400_000;
  look([asked]);
  assert.deepEqual(handedOn, []);
  now = 700_000;
  look([asked]);
  assert.deepEqual(handedOn, [asked]);
});

test('a stop whose executor is dead is handed on as soon as its shim has had its chance', () => {
  let now = 0;
  const handedOn: RunRecord[] = [];
  const lives = (): boolean => false;
  const look = createUnattendedWatch({ monotonicMs: () => now, lives, carryOn: (record) => handedOn.push(record) });
  const left = runIn(STOPPING);
  const abandoned = runIn({ ...STOPPING, executor: STARTED.identity } as RunState);
  const at = (ms: number): readonly RunRecord[] => {
    now = ms;
    look([left, abandoned]);
    return handedOn;
  };
  assert.deepEqual(at(0), []);
  assert.deepEqual(at(5_000), [abandoned]);
  assert.deepEqual(at(69_999), [abandoned], 'nobody had begun to carry the other out');
  assert.deepEqual(at(70_000), [abandoned, left]);
});
