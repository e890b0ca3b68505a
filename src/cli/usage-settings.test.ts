import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultConfig } from '../config/load.ts';
import { resolvePaths } from '../host/paths.ts';
import { usageSettings } from './usage-settings.ts';

test('what holds without a config file is what the schema says', async () => {
  const env = { HOME: '/nowhere', REEVE_HOME: '/nowhere/reeve' };
  const { calendar, unknownModel, claudeDirs } = await usageSettings(resolvePaths(env), env);
  const { calendar: expected, prices } = defaultConfig();
  assert.deepEqual(calendar, expected);
  assert.equal(unknownModel, prices.unknownModel);
  assert.deepEqual(claudeDirs, ['/nowhere/.claude', '/nowhere/.config/claude']);
});
