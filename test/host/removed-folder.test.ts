import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createClaims, createRegistry, createService, exec } from '../../src/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';

failOnLeaks();

test('a program whose working folder was removed is told so, and works where it names another', async (t) => {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'reeve-removed-'));
  process.chdir(folder);
  t.after(() => process.chdir(before));
  rmSync(folder, { recursive: true });
  await using service = createService();
  const registry = createRegistry();
  const work = { source: 'subprocess', command: 'true', stdio: 'ignore' } as const;
  for (const refused of [
    () => service.start({ command: 'true' }),
    () => exec('true').run(),
    () => registry.spawn(work),
    () => createClaims().findAll(),
  ])
    await assert.rejects(refused, { code: 'FOLDER_NOT_FOUND' });
  assert.equal(await service.run({ command: 'pwd', cwd: before }), `${before}\n`);
  await exec('true').dir(before).run();
  assert.equal((await (await registry.spawn({ ...work, cwd: before })).ended).current.state, 'completed');
  await createClaims().findAll({ under: before });
});
