import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REDACTED, redactArguments } from './redact.ts';

test('O8 hides a password behind a short flag of a program that is known to take one there', () => {
  const table: readonly (readonly [command: string, args: readonly string[], shown: readonly string[]])[] = [
    ['mysql', ['-uroot', '-phunter2', 'shop'], ['-uroot', `-p${REDACTED}`, 'shop']],
    ['/usr/bin/mysqldump', ['-phunter2'], [`-p${REDACTED}`]],
    // Apart, it asks, and the next word is a database.
    ['mysql', ['-p', 'shop'], ['-p', 'shop']],
    ['sudo', ['mysql', '-phunter2'], ['mysql', `-p${REDACTED}`]],
    ['sshpass', ['-p', 'hunter2', 'ssh', 'host'], ['-p', REDACTED, 'ssh', 'host']],
    ['sshpass', ['-phunter2', 'ssh', 'host'], [`-p${REDACTED}`, 'ssh', 'host']],
    ['7z', ['a', '-phunter2', 'x.7z'], ['a', `-p${REDACTED}`, 'x.7z']],
    ['redis-cli', ['-a', 'hunter2', 'ping'], ['-a', REDACTED, 'ping']],
    ['mongosh', ['-u', 'me', '-p', 'hunter2'], ['-u', 'me', '-p', REDACTED]],
    ['docker', ['login', '-u', 'me', '-p', 'hunter2'], ['login', '-u', 'me', '-p', REDACTED]],
    ['sh', ['-c', 'mysql -u root -phunter2 shop; ls'], ['-c', `mysql -u root -p${REDACTED} shop; ls`]],
    ['sh', ['-c', "mysql -p'hunter2 x' shop"], ['-c', `mysql -p${REDACTED} shop`]],
    ['sh', ['-c', 'sshpass -p hunter2 ssh host'], ['-c', `sshpass -p ${REDACTED} ssh host`]],
    ['sh', ['-c', 'redis-cli -h db -a hunter2 ping'], ['-c', `redis-cli -h db -a ${REDACTED} ping`]],
    ['sh', ['-c', "it's: ssh h 'redis-cli -a hunter2 ping'"], ['-c', `it's: ssh h 'redis-cli -a ${REDACTED} ping'`]],
    ['sh', ['-c', 'docker login -u docker -p hunter2 r'], ['-c', `docker login -u docker -p ${REDACTED} r`]],
    ['sh', ['-c', 'curl -u me:hunter2 https://x; ls'], ['-c', `curl -u me:${REDACTED} https://x; ls`]],
    [
      'sh',
      ['-c', 'curl "https://x/?a&b" \\\n -sSu "me:hunter2"'],
      ['-c', `curl "https://x/?a&b" \\\n -sSu "me:${REDACTED}"`],
    ],
    [
      'curl',
      ['-sSu', 'me:hunter2', '--proxy-user=me:hunter2'],
      ['-sSu', `me:${REDACTED}`, `--proxy-user=me:${REDACTED}`],
    ],
    ['http', ['-a', 'me:hunter2', 'x'], ['-a', `me:${REDACTED}`, 'x']],
    ['sshpass', ['-p', 'mysql', 'ssh'], ['-p', REDACTED, 'ssh']],
    // To others the same flags are something else.
    ['docker', ['run', '-p', '8080:80', 'nginx'], ['run', '-p', '8080:80', 'nginx']],
    ['ssh', ['-p2222', 'host'], ['-p2222', 'host']],
    ['claude', ['-p', 'go'], ['-p', 'go']],
    ['mkdir', ['-pv', 'a/b'], ['-pv', 'a/b']],
    ['sh', ['-c', 'mkdir -pv a; cp -pr a b'], ['-c', 'mkdir -pv a; cp -pr a b']],
  ];
  for (const [command, args, shown] of table) assert.deepEqual(redactArguments(args, command), shown, command);
});
