import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logFolderOf, sessionInArguments, sessionOfLog } from './process-session.ts';

const ONE = 'aaaaaaaa-0000-4000-8000-000000000001';
const TWO = 'aaaaaaaa-0000-4000-8000-000000000002';

test('a command line names the session that it begins or carries on, not the one that it forks', () => {
  const named: readonly (readonly [readonly string[], string | null])[] = [
    [['claude', '-p', 'go', '--session-id', ONE], ONE],
    [['claude', `--session-id=${ONE}`], ONE],
    [['claude', '--resume', ONE], ONE],
    [['claude', '-r', ONE, '-p', 'go'], ONE],
    [['claude', '--resume', ONE, '--fork-session'], null],
    [['claude', '--resume', ONE, '--fork-session', '--session-id', TWO], TWO],
    [['claude', '--resume'], null],
    [['claude', '--resume', 'the one about sheds'], null],
    [['claude', '-c'], null],
    [['claude', '-p', ONE], null],
  ];
  for (const [argv, session] of named) assert.equal(sessionInArguments(argv), session, argv.join(' '));
});

test('a log is known by its path, a subagent’s log and other files are no session’s', () => {
  assert.equal(sessionOfLog(`/home/x/.claude/projects/-work-api/${ONE}.jsonl`), ONE);
  assert.equal(sessionOfLog(`/home/x/.claude/projects/-work-api/${ONE}/subagents/agent-1.jsonl`), null);
  assert.equal(sessionOfLog(`/home/x/.claude/projects/-work-api/memory/notes.jsonl`), null);
  assert.equal(sessionOfLog('/home/x/.claude/history.jsonl'), null);
});

test('the folder of a working folder’s logs has dashes for all but letters and digits; of one with a hash nothing is said', () => {
  assert.equal(logFolderOf('/c', '/work/my_api.v2/é'), '/c/projects/-work-my-api-v2--');
  assert.equal(logFolderOf('/c', `/${'x'.repeat(200)}`), null);
});
