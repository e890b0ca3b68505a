import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Identity } from '../processes/identity.ts';
import type { ProcessHandle, Signaller } from '../processes/ports.ts';
import { recordOf, SHIM, STARTED } from '../../test/contracts/samples.ts';
import { createRunWatch } from './run-watch.ts';

const HANDLE: ProcessHandle = { identity: SHIM, send: () => 'gone', close: () => {} };

test('a failure of the watch is told, and the next pass watches again', async () => {
  const waits: PromiseWithResolvers<readonly ProcessHandle[]>[] = [];
  const signaller: Signaller = {
    open: () => ({ kind: 'open', handle: HANDLE }),
    waitAny() {
      const wait = Promise.withResolvers<readonly ProcessHandle[]>();
      waits.push(wait);
      return wait.promise;
    },
  };
  const errors = Promise.withResolvers<unknown>();
  const deaths = Promise.withResolvers<Identity>();
  const watch = createRunWatch(signaller, { onDeath: deaths.resolve, onError: errors.resolve });
  const runs = [recordOf({ state: 'running', started: STARTED })];
  watch.keep(runs);
  const failure = new Error('poll: out of memory');
  waits[0]?.reject(failure);
  assert.equal(await errors.promise, failure);

  watch.keep(runs);
  waits[1]?.resolve([HANDLE]);
  assert.equal(await deaths.promise, SHIM);
  await watch.close();
});
