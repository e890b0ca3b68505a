import { HIDEPID_REMEDY } from '../../processes/hidden.ts';
import type { Workplace } from '../open.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

const HIDDEN = finding({
  kind: 'platform',
  severity: 'note',
  subject: 'this system',
  evidence: [
    '/proc hides the processes of other users from this one (hidepid, proc(5))',
    'what a run starts as another user (sudo, a setuid program) shows as "hidden"; if its shim is killed, nothing tells whether it has ended',
  ],
  remedy: HIDEPID_REMEDY,
});

/** What reeve cannot promise on this system. */
export async function examinePlatform(workplace: Workplace): Promise<readonly Finding[]> {
  const { adoption, table } = await workplace.processes();
  if (adoption !== null && table.startsPrograms !== true) return table.hidden === undefined ? [] : [HIDDEN];
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
