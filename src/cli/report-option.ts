import type { RunRequest } from '../shim/request.ts';

/**
 * With `--report` a run is not even started when the report could not be written at its end.
 * @param options.inBackground the run's shim is a process of its own
 * @throws REPORT_UNWRITABLE, USAGE
 */
export async function checkReport(
  { reportFile }: RunRequest,
  options: { readonly inBackground: boolean },
): Promise<void> {
  if (reportFile === null) return;
  // Loaded only here: most runs write none.
  const { assertReportWritable } = await import('../shim/report-file.ts');
  assertReportWritable(reportFile, options);
}
