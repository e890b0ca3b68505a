import { describeHolder } from '../../claims/claim-errors.ts';
import { cleanStale, listClaims, type ClaimView } from '../../claims/inspect.ts';
import { repairClaim } from '../../claims/repair.ts';
import { surveyClaims, type SurveyPorts } from '../../claims/survey.ts';
import { describeWorker } from '../../claims/workers.ts';
import { ReeveError } from '../../errors.ts';
import { openClaims, workersIn } from '../claim-ports.ts';
import { agentsAround, examineTrespasses, openSessions } from './trespasses.ts';
import type { ClaimPorts } from '../../claims/acquire.ts';
import { cwdIfThere, type CliIo } from '../io.ts';
import type { Workplace } from '../open.ts';
import { finding, type Finding } from './finding.ts';

/** What is wrong with claims. With `fix`, those that are proven stale are given back, and corrupt ones of free worktrees set aside. */
export async function examineClaims(workplace: Workplace, io: CliIo, fix: boolean): Promise<readonly Finding[]> {
  const ports = await openClaims(workplace);
  const views = await listClaims(ports, { near: cwdIfThere(io) });
  const now = workplace.clock.now();
  const survey: SurveyPorts = { claims: ports, sessions: await openSessions(workplace, io) };
  const agents = agentsAround(ports);
  const findings: Finding[] = [];
  for (const view of views) if (view.state === 'corrupt') findings.push(await examineCorrupt(ports, view, fix));
  findings.push(...(await examineTrespasses(survey, agents, now)));
  for (const { kind, views: concerned, why } of surveyClaims(survey, views, agents)) {
    const cleaned = fix && kind === 'stale' ? await cleanStale(ports, concerned) : 0;
    findings.push(
      finding({
        kind: kind === 'claimed-twice' ? kind : `${kind}-claim`,
        severity: kind === 'orphaned' ? 'problem' : 'note',
        subject: concerned.map(({ place }) => place.worktree).join(', '),
        evidence: [why, ...concerned.flatMap((view) => ('claim' in view ? [describeHolder(view.claim, now)] : []))],
        remedy: REMEDIES[kind],
        fixed: cleaned > 0 ? 'given back' : null,
      }),
    );
  }
  return findings;
}

const REMEDIES = {
  stale: 'none needed: whoever claims it next gets it; `reeve doctor --fix` gives it back now',
  orphaned:
    '`reeve stop RUN` ends what lives; `reeve release --force` breaks the claim when you know that nothing does',
  'claimed-twice': 'stop one of the two, or give each a session of its own',
} as const;

async function examineCorrupt(
  ports: ClaimPorts,
  { place, error }: Extract<ClaimView, { state: 'corrupt' }>,
  fix: boolean,
): Promise<Finding> {
  const shared = { kind: 'corrupt-claim', severity: 'problem', subject: place.file } as const;
  const workers = async (): Promise<readonly string[]> => workersIn(ports, place).map(describeWorker);
  try {
    const repaired = fix ? await repairClaim(ports, place, workers) : null;
    return finding({
      ...shared,
      evidence: [error.message],
      remedy: error.hint,
      fixed: repaired === null ? null : `set aside as ${repaired.movedTo}; the worktree is free`,
    });
  } catch (failure) {
    if (!(failure instanceof ReeveError)) throw failure;
    return finding({ ...shared, evidence: [failure.message], remedy: 'end what works there, then try again' });
  }
}
