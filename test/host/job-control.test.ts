import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { openPty } from '../rig/pty.ts';
import { until } from '../rig/until.ts';

failOnLeaks();

const PROGRAM = join(import.meta.dirname, 'programs/long-turn.ts');
const PROMPT = 'PROMPT> ';

test('Ctrl-Z in the middle of a turn stops the program at its end, each time once', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'reeve-turn-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [go, done] = [join(folder, 'go'), join(folder, 'done')];
  const pty = openPty(t, ['sh', '-i'], { env: { ...process.env, PS1: PROMPT, ENV: '' }, cwd: folder });
  await pty.see(PROMPT);
  pty.type(`${process.execPath} ${PROGRAM} ${go} ${done}\n`);
  await pty.see(/<busy \d+>/u);
  const pid = /<busy (\d+)>/u.exec(pty.shown())?.[1];
  const isStopped = (): boolean => /\) T /u.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  pty.type('\u001A');
  await pty.see('^Z');
  process.kill(Number(pid), 'SIGTSTP');
  writeFileSync(go, '');
  await until(() => existsSync(done));
  for (let time = 0; time < 2; time += 1) {
    await pty.see(PROMPT);
    assert.ok(isStopped());
    pty.type('fg\n');
    await pty.see('<goes on>');
    pty.type(`again ${time}\n`);
    await pty.see(`<got again ${time}>`);
    pty.type('\u001A');
  }
  await pty.see(PROMPT);
  process.kill(Number(pid), 'SIGKILL');
  pty.type('exit\n');
  pty.closeWindow();
  await pty.exited;
});
