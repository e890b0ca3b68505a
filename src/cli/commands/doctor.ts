import type { Command } from 'commander';
import { isOpen } from '../doctor/finding.ts';
import { examineClaims } from '../doctor/claims.ts';
import { examineHome } from '../doctor/home.ts';
import { examineOutput } from '../doctor/output.ts';
import { examinePlatform } from '../doctor/platform.ts';
import { openEventLog } from '../event-log.ts';
import { examineRuns } from '../doctor/runs.ts';
import { examineAgents, examineConfig, examineDaemon, examineLockouts, examineLogs } from '../doctor/surroundings.ts';
import { renderFindings } from '../doctor/text.ts';
import { examineWarnings } from '../doctor/warnings.ts';
import { removeLeftSockets } from '../../ipc/left-sockets.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';
import { openWorkplace } from '../open.ts';

interface DoctorOptions {
  readonly fix?: boolean;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  return command
    .option('--fix', 'close records that are proven over, end trees that are proven orphaned, set corrupt files aside')
    .option('--json', 'print {checked, recovered, stale, unstarted, orphaned, findings}')
    .addHelpText('after', '\nLooks, and changes nothing, unless told to fix. Exits with 1 when a problem is left.')
    .action(async (options: DoctorOptions) => {
      const fix = options.fix ?? false;
      await using workplace = openWorkplace(io.env);
      // Runs first: what is fixed there is no longer looked for by the rest.
      const { counts, findings: ofRuns } = await examineRuns(workplace, {
        fix,
        io,
        record: openEventLog(workplace, io).record,
      });
      if (fix) await removeLeftSockets(workplace.paths);
      const findings = [
        ...ofRuns,
        ...(await examineLockouts(workplace, io, fix)),
        ...(await examineClaims(workplace, io, fix)),
        ...examineHome(workplace, process.getuid?.() ?? 0, fix),
        ...(await examineConfig(workplace)),
        ...(await examineDaemon(workplace)),
        ...(await examinePlatform(workplace)),
        ...(await examineWarnings(workplace)),
        ...(await examineLogs(workplace)),
        ...(await examineOutput(workplace, fix)),
        ...(await examineAgents(workplace)),
      ];
      emit(io, options, { ...counts, findings }, () =>
        renderFindings(findings, { color: io.color, width: io.columns }),
      );
      if (findings.some(isOpen)) io.exitCode = 1;
    });
}
