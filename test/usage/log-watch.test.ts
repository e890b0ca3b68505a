import assert from 'node:assert/strict';
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { answerLine } from './claude-lines.ts';
import { openLogHome, type LogHome } from './log-home.ts';

/** The paths that a watch called back with, and a way to wait for the next one that matters. */
function collectChanges(home: LogHome) {
  const seen: (string | null)[] = [];
  let wake = () => {};
  const watch = home.collector.watch((file) => {
    seen.push(file);
    wake();
  });
  return {
    close: () => watch.close(),
    async until(what: string, arrived: () => Promise<boolean> | boolean): Promise<void> {
      const hang = setTimeout(() => {
        watch.close();
        throw new Error(`waited 30 s for ${what}; seen: ${seen.join(', ')}`);
      }, 30_000);
      for (;;) {
        const next = new Promise<void>((resolve) => (wake = resolve));
        if (await arrived()) break;
        await next;
      }
      clearTimeout(hang);
    },
    seen,
  };
}

test('an append is announced with the path of its log, and scanning that log alone counts it', async () => {
  await using home = await openLogHome();
  const file = await home.write('s.jsonl', answerLine({ id: 'm1', output: 1 }));
  await home.write('other.jsonl', answerLine({ id: 'm2', output: 2 }));
  await home.collector.scan();
  const changes = collectChanges(home);
  appendFileSync(file, answerLine({ id: 'm3', output: 4 }));
  await changes.until('the append', () => changes.seen.includes(file));
  const { files, inserted } = await home.collector.scan([file]);
  changes.close();
  assert.deepEqual([files, inserted, await home.outputTokens()], [1, 1, 7]);
});

test('logs are seen that appear in folders which were not there when the watch began', async () => {
  await using home = await openLogHome();
  const changes = collectChanges(home);
  const main = home.log('s.jsonl');
  mkdirSync(dirname(main), { recursive: true });
  appendFileSync(main, answerLine({ id: 'm1', output: 1 }));
  await changes.until('the first log', () => hasCounted(1));
  const subagent = home.log('s/subagents/agent-a.jsonl');
  mkdirSync(dirname(subagent), { recursive: true });
  appendFileSync(subagent, answerLine({ id: 'm2', output: 2 }));
  await changes.until('the subagent', () => hasCounted(3));
  changes.close();

  async function hasCounted(tokens: number): Promise<boolean> {
    await home.collector.scan();
    return (await home.outputTokens()) === tokens;
  }
});

test("a project's folder that was moved elsewhere, and a log, are read and watched through the links in their places", async () => {
  await using home = await openLogHome();
  const before = join(home.dir, 'before');
  const after = join(home.dir, 'after');
  const links = { before: join(home.projects, 'before'), after: join(home.projects, 'after') };
  for (const folder of [before, after, home.projects]) mkdirSync(folder, { recursive: true });
  symlinkSync(before, links.before);
  const changes = collectChanges(home);
  appendFileSync(join(before, 's.jsonl'), answerLine({ id: 'm1', output: 1 }));
  await changes.until('the append behind a link', () => changes.seen.includes(join(links.before, 's.jsonl')));
  appendFileSync(join(after, 't.jsonl'), answerLine({ id: 'm2', output: 2 }));
  symlinkSync(after, links.after);
  await changes.until('what was behind a new link', () => hasCounted(3));
  appendFileSync(join(after, 't.jsonl'), answerLine({ id: 'm3', output: 4 }));
  await changes.until('an append behind the new link', () => hasCounted(7));
  changes.close();

  const single = join(home.dir, 'single.jsonl');
  writeFileSync(single, answerLine({ id: 'm4', output: 8 }));
  symlinkSync(single, join(home.projects, 'single.jsonl'));
  // Leads above: everything would be found once more, without end.
  symlinkSync(home.dir, join(home.projects, 'up'));
  symlinkSync(home.projects, join(home.projects, 'itself'));
  symlinkSync(join(home.dir, 'nowhere'), join(home.projects, 'nowhere'));
  const { files, problems } = await home.collector.scan();
  assert.deepEqual([files, problems, await home.outputTokens()], [3, [], 15]);

  async function hasCounted(tokens: number): Promise<boolean> {
    await home.collector.scan();
    return (await home.outputTokens()) === tokens;
  }
});
