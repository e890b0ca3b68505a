import { accessSync, constants, statSync } from 'node:fs';
import { livingDaemon, reachDaemon } from '../../ipc/daemon-client.ts';
import { createUnsupervisedWatch } from '../../runs/unsupervised.ts';
import type { LogProblem } from '../../usage/ports.ts';
import { ReeveError } from '../../errors.ts';
import { loadConfig } from '../../host/config-file.ts';
import { agentKindOf } from '../../processes/kinds.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import { openLockouts } from '../lockout-store.ts';
import type { Workplace } from '../open.ts';
import { finding } from './finding.ts';
import type { Finding } from './finding.ts';

/** As long as for `reeve status`. */
const DAEMON_PATIENCE_MS = 5_000;
/** As many broken lines as a person looks at. */
const MAX_LOG_PROBLEMS = 20;
/** More than the ledger keeps. */
const ALL_LOG_PROBLEMS = 100_000;

/** Lockout files that cannot be read, or do not say what the store says. With `fix`, each is set aside and written anew from the store; nothing is unlocked. */
export async function examineLockouts(workplace: Workplace, io: CliIo, fix: boolean): Promise<readonly Finding[]> {
  const lockouts = await openLockouts(workplace, io);
  const corrupt = await lockouts.corrupt();
  const repaired = new Map(fix ? (await lockouts.repair()).map((each) => [each.path, each]) : []);
  return corrupt.map(({ path, error }) => {
    const repair = repaired.get(path);
    return finding({
      kind: 'corrupt-lockout',
      severity: 'problem',
      subject: path,
      evidence: [error],
      remedy: '`reeve doctor --fix` sets the file aside and writes it anew from the store',
      fixed:
        repair === undefined ? null : `set aside as ${repair.movedTo}${repair.rewritten ? ', and written anew' : ''}`,
    });
  });
}

/** A configuration that cannot be in force. */
export async function examineConfig({ paths }: Workplace): Promise<readonly Finding[]> {
  try {
    await loadConfig(paths);
    return [];
  } catch (error) {
    if (!(error instanceof ReeveError)) throw error;
    const evidence = [error.message];
    return [
      finding({
        kind: 'config',
        severity: 'problem',
        subject: error.where ?? paths.configFile,
        evidence,
        remedy: error.hint ?? '`reeve config check` says more',
      }),
    ];
  }
}

/** A daemon that is needed and missing, or that lives and does not answer. */
export async function examineDaemon(workplace: Workplace): Promise<readonly Finding[]> {
  const reach = await reachDaemon(workplace.paths, DAEMON_PATIENCE_MS);
  if (reach.kind === 'answers') {
    reach.client.close();
    return [];
  }
  const living = livingDaemon(workplace.paths, (await workplace.processes()).table);
  const limited = (await (await workplace.store()).runs.list({ states: ACTIVE_STATES })).filter(
    ({ intent }) => intent.limited,
  );
  if (living !== null)
    return [
      finding({
        kind: 'daemon',
        severity: 'problem',
        subject: `PID ${living.pid}`,
        evidence: ['the daemon lives, and does not answer on its socket', workplace.paths.daemonSocket],
        remedy: `look into ${workplace.paths.daemonLogFile}; \`reeve down && reeve up\``,
      }),
    ];
  if (limited.length === 0) return [];
  const ids = limited.map(({ intent }) => intent.id).join(', ');
  return [
    finding({
      kind: 'daemon',
      severity: 'problem',
      subject: 'the daemon',
      evidence: [`no daemon runs, and these runs have limits: ${ids}`],
      remedy: '`reeve up`',
    }),
  ];
}

/** Agents that reeve did not start, of this user: nobody counts them against a limit's run, or ends their trees. */
export async function examineAgents(workplace: Workplace): Promise<readonly Finding[]> {
  const { table, self } = await workplace.processes();
  const { runs } = await workplace.store();
  const watch = createUnsupervisedWatch({
    table,
    uid: table.details(self.pid).uid ?? 0,
    kindOf: ({ argv, exe }) => agentKindOf(argv ?? [], exe),
  });
  return watch.look(await runs.list({ states: ACTIVE_STATES })).map(({ kind, row, cwd }) =>
    finding({
      kind: 'unsupervised',
      severity: 'note',
      subject: `PID ${row.pid}`,
      evidence: [
        `${kind} was not started by reeve, and works in ${cwd === null ? 'a folder that cannot be read' : plain(cwd)}`,
      ],
      remedy: 'start it with `reeve run -- …`',
    }),
  );
}

/**
 * What could not be read of agents' logs: its spend is in no sum. A log that cannot be read now is a problem; a line that could not be
 * counted is past mending, and stays on record as a note.
 */
export async function examineLogs(workplace: Workplace): Promise<readonly Finding[]> {
  const { ledger } = await workplace.store();
  const problems = await ledger.problems(ALL_LOG_PROBLEMS);
  const unreadable = [...new Map(problems.filter(isUnreadableNow).map((problem) => [problem.file, problem])).values()];
  const lines = problems.filter(({ offset }) => offset !== null).slice(0, MAX_LOG_PROBLEMS);
  return [
    ...unreadable.map(({ file, message, at }) =>
      finding({
        kind: 'log',
        severity: 'problem',
        subject: file,
        evidence: [`${message} (${new Date(at).toISOString()})`],
        remedy: 'make it readable for this user, or take its folder out of `logs` in the config',
      }),
    ),
    ...lines.map(({ file, offset, message, at }) =>
      finding({
        kind: 'log',
        severity: 'note',
        subject: `${file} at byte ${offset}`,
        evidence: [`${message} (${new Date(at).toISOString()})`],
      }),
    ),
  ];
}

/** What became readable since is read at the next look at the logs, and what is gone has nothing more to tell. */
function isUnreadableNow({ file, offset }: LogProblem): boolean {
  if (offset !== null) return false;
  try {
    accessSync(file, statSync(file).isDirectory() ? constants.R_OK | constants.X_OK : constants.R_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
