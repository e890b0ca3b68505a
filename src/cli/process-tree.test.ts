import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderProcessTree } from './process-tree.ts';
import type { TreeProcess } from './process-tree.ts';

function process(
  pid: number,
  ppid: number,
  argv: readonly string[] | null,
  more: Partial<TreeProcess> = {},
): TreeProcess {
  const known = {
    pgid: pid,
    sid: pid,
    startTicks: pid,
    comm: 'sh',
    cwd: '/',
    rssBytes: 2_000_000,
    cpuMs: 30,
    state: 'S',
  };
  return { pid, ppid, argv, ...known, via: 'descent', ...more };
}

test('children stand below their parents, a reparented process at the top', () => {
  const text = renderProcessTree(
    [
      process(10, 2, ['claude']),
      process(11, 10, ['sh', '-c', 'a b']),
      process(12, 11, ['grep', '']),
      process(13, 10, ['mcp', '', '', '']),
      process(14, 1, null, { comm: 'lost', via: 'cookie', rssBytes: null, cpuMs: null }),
    ],
    { color: false, width: null },
  );
  assert.equal(
    text,
    [
      'PID  STATE    CPU  MEMORY  VIA     COMMAND',
      ' 10  S      30 ms  2.0 MB          claude',
      " 11  S      30 ms  2.0 MB          ├─ sh -c 'a b'",
      " 12  S      30 ms  2.0 MB          │  └─ grep ''",
      ' 13  S      30 ms  2.0 MB          └─ mcp',
      ' 14  S          ?       ?  cookie  [lost]',
      '',
    ].join('\n'),
  );
});
