import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../host/clock.ts';
import { readDaemonIdentities } from '../host/daemon-registry.ts';
import { resolvePaths } from '../host/paths.ts';
import { systemRandom } from '../host/random.ts';
import { openProcesses } from '../open-processes.ts';
import { createRunIds } from '../runs/run-id.ts';
import { createMemoryStore } from '../store/memory/open.ts';
import type { ShimWorkplace } from './workplace.ts';

const NAME_BYTES = 16;

/**
 * A workplace that leaves nothing behind: the record lives and dies with the shim, there are no limits, no lockouts and no log of events. Its
 * home is a name that nothing has and nobody can guess: what is looked for there is not there.
 * @throws PLATFORM_UNSUPPORTED, USAGE
 */
export async function openUnrecordedWorkplace(env: NodeJS.ProcessEnv): Promise<ShimWorkplace> {
  const nowhere = join(tmpdir(), `reeve-${Buffer.from(systemRandom(NAME_BYTES)).toString('hex')}`);
  const ofUser = resolvePaths(env);
  return {
    ...(await openProcesses(env)),
    recorded: false,
    env,
    paths: resolvePaths({ ...env, REEVE_HOME: nowhere }),
    clock: systemClock,
    ids: createRunIds(systemRandom),
    store: createMemoryStore(),
    events: { record: () => {} },
    // The user's own daemon, which a limited run inside this one may have started.
    excluded: () => readDaemonIdentities(ofUser),
  };
}
