import type { Workplace } from '../open.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** Every PID namespace has one, of another user than ours where it cannot be seen. */
const INIT_PID = 1;

const HIDDEN = finding({
  kind: 'platform',
  severity: 'note',
  subject: 'this system',
  evidence: [
    '/proc hides the processes of other users from this one (hidepid, proc(5))',
    'what a run starts as another user (sudo, a setuid program) is not found, and no stop proves that it ended',
  ],
  remedy: 'mount /proc without hidepid, or with gid= of a group of this user',
});

/** What reeve cannot promise on this system. */
export async function examinePlatform(workplace: Workplace): Promise<readonly Finding[]> {
  const { adoption, table } = await workplace.processes();
  if (adoption !== null && table.startsPrograms !== true) return table.read(INIT_PID) === null ? [HIDDEN] : [];
  return [
    finding({
      kind: 'platform',
      severity: 'note',
      subject: 'this system',
      evidence: [
        'processes are found through ps and lsof: a PID with its start second is taken for one process',
        'nothing adopts orphans: one that leaves group and session and clears its environment is not found',
      ],
      remedy: 'where there is a /proc, reeve needs neither: unset REEVE_PROCESS_TABLE',
    }),
  ];
}
