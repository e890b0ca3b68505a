import assert from 'node:assert/strict';
import { isOpen, type Finding } from '../../src/cli/doctor/finding.ts';

/** What `reeve doctor --json` prints. */
export interface DoctorReport {
  readonly checked: number;
  readonly recovered: number;
  readonly stale: number;
  readonly unstarted: number;
  readonly orphaned: number;
  readonly findings: readonly Finding[];
}

/**
 * Parses what `reeve doctor --json` has said, and leaves out agents that have nothing to do with `folder`: doctor looks at the whole
 * machine, on which other tests and people have theirs. Its exit code must agree with all that it said.
 */
export function doctorReport(
  folder: string,
  { exitCode, stdout, stderr }: { readonly exitCode: number | null; readonly stdout: string; readonly stderr: string },
): DoctorReport {
  assert.notEqual(stdout, '', stderr);
  const report = JSON.parse(stdout) as DoctorReport;
  assert.equal(exitCode, report.findings.some(isOpen) ? 1 : 0, stdout);
  const concerns = (found: Finding): boolean =>
    (found.kind !== 'collision' && found.kind !== 'unsupervised') || found.evidence.join('\n').includes(folder);
  return { ...report, findings: report.findings.filter(concerns) };
}
