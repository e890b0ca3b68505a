import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LEADER } from '../../test/contracts/samples.ts';
import type { Clock } from '../clock.ts';
import type { ProcessRow, ProcessTable, Signaller } from '../processes/ports.ts';
import { waitUntilEmpty } from './tree-watch.ts';

const ROW = { ppid: 1, pgid: 1, sid: 1, comm: 'x', state: 'S', execStamp: 1 } as const;
/** A member that may not be signalled, so that it is looked at again and again. */
const MEMBER: ProcessRow = { ...ROW, pid: LEADER.pid, startTicks: LEADER.startTicks };
const PASSER_BY: ProcessRow = { ...ROW, pid: 5000, startTicks: LEADER.startTicks + 1 };
const RESIDENT: ProcessRow = { ...PASSER_BY, pid: 5001 };
const SPEC = { shim: null, roots: [LEADER], cookie: 'run_x.1', group: null, session: null, exclude: [] };

const clock: Clock = { now: () => 0, monotonicMs: () => 0, sleep: async () => {} };
const signaller: Signaller = { open: () => ({ kind: 'denied' }), waitAny: async () => [] };

test('a watch of days remembers whom it has looked at for as long as they live, and no longer', async () => {
  const scans = [[MEMBER, RESIDENT, PASSER_BY], [MEMBER, RESIDENT], [MEMBER, RESIDENT, PASSER_BY], [RESIDENT]];
  const asked: number[] = [];
  const table = {
    realm: { bootId: LEADER.bootId, pidNamespace: LEADER.pidNamespace },
    list: () => (scans.length > 1 ? scans.shift() : scans[0]),
    environment: (pid: number) => {
      asked.push(pid);
      return { kind: 'absent' };
    },
  } as unknown as ProcessTable;
  assert.deepEqual(await waitUntilEmpty({ table, signaller, clock }, () => SPEC, Infinity), []);
  const timesAsked = ({ pid }: ProcessRow): number => asked.filter((one) => one === pid).length;
  assert.deepEqual([timesAsked(RESIDENT), timesAsked(PASSER_BY)], [1, 2]);
});
