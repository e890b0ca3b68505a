import type { Workplace } from '../open.ts';
import { currentWarnings, renderWarning, subjectOf } from '../warnings.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** Limits that are nearly used up, or passed and only warn: what they have said in their current periods. */
export async function examineWarnings(workplace: Workplace): Promise<readonly Finding[]> {
  const now = workplace.clock.now();
  return (await currentWarnings(await workplace.store(), now)).map((warning) =>
    finding({
      kind: 'limit',
      severity: 'note',
      subject: subjectOf(warning),
      evidence: [renderWarning(warning, now)],
      remedy: '`reeve limit list` shows what is left',
    }),
  );
}
