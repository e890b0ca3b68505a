import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { failOnLeaks } from '../rig/leaks.ts';
import { createHome, MAIN } from '../shim/home.ts';
import { answerLine } from '../usage/claude-lines.ts';

failOnLeaks();

const RIGHTS = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
const canUnshare = spawnSync('unshare', [...RIGHTS, '--net', 'true']).status === 0;

/** Every command that could have a reason to ask somebody: what is newer, dearer, or elsewhere. */
const COMMANDS = [
  'run --max-usd 5 -- true',
  'start --name held -- sleep 1000',
  'usage daily',
  'prices',
  'ps --all',
  'doctor',
  'status',
  'limit list',
  'lockouts',
  'claims',
  'config check',
  'stop held --grace 0',
  'down',
];

/** Attempts to reach anybody from a network without a way out: sent to an address here, or without a route to one elsewhere. */
function attempts(snmp: string): number {
  const count = (protocol: string, name: string): number => {
    const [names = [], values = []] = snmp
      .split('\n')
      .filter((line) => line.startsWith(`${protocol}: `))
      .map((line) => line.split(' '));
    const at = names.indexOf(name);
    assert.notEqual(at, -1, `${protocol} ${name}`);
    return Number(values[at]);
  };
  return (
    count('Ip', 'OutNoRoutes') + count('Ip', 'OutRequests') + count('Tcp', 'ActiveOpens') + count('Udp', 'OutDatagrams')
  );
}

test(
  'invariant 9: no command, shim or daemon sends anything over the network',
  { skip: canUnshare ? false : 'this user may not make a network namespace' },
  (t) => {
    const home = createHome(t);
    const logs = join(home.folder, 'user/.claude/projects/slug');
    mkdirSync(logs, { recursive: true });
    writeFileSync(
      join(logs, 'session-1.jsonl'),
      answerLine({ id: 'known' }) + answerLine({ id: 'new', model: 'claude-opus-99' }),
    );
    const inside = (script: string): string => {
      const words = [...RIGHTS, '--net', 'sh', '-ec', script];
      const { stdout, stderr, status } = spawnSync('unshare', words, {
        cwd: home.work,
        env: home.env,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return stdout.slice(stdout.indexOf('Ip: '));
    };
    // See https://man7.org/linux/man-pages/man5/proc_net.5.html; the counters are those of the namespace, which begins at nothing.
    const count = 'cat /proc/net/snmp';
    const knock = `require('node:net').connect(80, '192.0.2.1').on('error', () => {})`;
    assert.ok(attempts(inside(`"${process.execPath}" -e "${knock}"; ${count}`)) > 0, 'an attempt would be seen');
    const script = COMMANDS.map((command) => `"${process.execPath}" "${MAIN}" ${command} >&2`).join('\n');
    assert.equal(attempts(inside(`${script}\n${count}`)), 0);
  },
);
