import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ended, intentOf, LEADER, NOW, recordOf, STARTED, STOPPING } from '../../test/contracts/samples.ts';
import { toRunJson } from './view.ts';

describe('run as JSON', () => {
  it('has every field of the published shape in every state; absent is null', () => {
    const fields = [
      'id', 'name', 'labels', 'parentRunId', 'startedBy', 'source', 'owner', 'command', 'args', 'cwd', 'worktree', 'project',
      'branch', 'agent', 'identity', 'processGroupId', 'startedAt', 'state', 'endReason', 'exitCode', 'signal', 'error',
      'createdAt', 'updatedAt', 'completedAt', 'usage',
    ]; // prettier-ignore
    for (const current of [{ state: 'starting' } as const, STOPPING, ended(NOW)]) {
      const json: Record<string, unknown> = { ...toRunJson(recordOf(current), null) };
      assert.deepEqual(Object.keys(json), fields);
      assert.ok(Object.values(json).every((value) => value !== undefined));
    }
  });

  it('never shows the cookie', () => {
    const record = recordOf({ state: 'starting' });
    assert.ok(!JSON.stringify(toRunJson(record, null)).includes(record.intent.cookie.slice(-32)));
  });

  it('gives times in ISO 8601 UTC and money in USD', () => {
    const record = { ...recordOf(ended(NOW + 1_500)), updatedAt: NOW + 1_501 };
    const usage = { costMicroUsd: 50_001, tokens: 7, unpricedTokens: 0, turns: 1, toolTurns: 2 };
    const json = toRunJson(record, usage);
    assert.deepEqual(
      [json.createdAt, json.startedAt, json.completedAt, json.updatedAt],
      ['2026-11-21T12:00:00.000Z', '2026-11-21T12:00:00.001Z', '2026-11-21T12:00:01.500Z', '2026-11-21T12:00:01.501Z'],
    );
    assert.deepEqual(json.usage, { costUsd: 0.050001, tokens: 7, unpricedTokens: 0, turns: 1, toolTurns: 2 });
    assert.deepEqual([json.identity, json.processGroupId], [LEADER, STARTED.processGroupId]);
  });

  it('shows the exit of a command as soon as it is known', () => {
    const lingering = { state: 'lingering', started: STARTED, exit: { exitCode: 3, signal: null } } as const;
    const json = toRunJson(recordOf(lingering, intentOf()), null);
    assert.deepEqual([json.state, json.exitCode, json.endReason, json.completedAt], ['lingering', 3, null, null]);
  });
});
