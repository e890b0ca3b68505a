import { systemClock } from './host/clock.ts';
import { openProcesses } from './library.ts';
import { ProcessService } from './service/process-service.ts';
import type { Service, ServiceOptions } from './service/service.ts';
import { createRunHost } from './shim/host.ts';

export interface ProcessServiceOptions extends ServiceOptions {
  /**
   * Home (the folder that `REEVE_HOME` names) in whose store every run is recorded, beside those of the command line: `reeve ps`, `stop`,
   * `inspect` and `events` know of them, limits and lockouts hold for them. Absent: a run is known to this service alone, and nothing is
   * written; only a detached one is then recorded, in the user's own home, because whatever runs must be on record somewhere.
   */
  readonly home?: string;
  /** Environment of the commands. @defaultValue `process.env` as it is when the service is made */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Processes of this program, each owned with its whole tree: what a command starts is stopped with it, also after `setsid`, a double fork or a
 * cleared environment, and what it leaves behind at its end is swept.
 *
 * Each run has a small process of its own as its parent (a shim), which is its subreaper; this program could be that only by adopting the
 * orphans of everything else it starts. The price is some 50 ms and 15 MB a run. When this program ends, however it does, the shim stops its
 * tree, unless the run is detached.
 *
 * @example
 * await using service = createService();
 * const { id } = await service.start({ command: 'npm', args: ['run', 'dev'] });
 * service.subscribe((event) => event.type === 'output' && console.log(event.line));
 * await service.kill(id, { graceMs: 2_000 });
 */
export function createService(options: ProcessServiceOptions = {}): Service {
  const { home = null, env = process.env, ...rest } = options;
  const host = createRunHost({ processes: openProcesses, clock: systemClock, env: { ...env }, home });
  return new ProcessService({ host, clock: systemClock }, rest);
}
