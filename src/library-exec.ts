import { createService } from './library-service.ts';
import { createExec, type ExecCommand } from './service/exec.ts';
import type { Service } from './service/service.ts';

let shared: Service | undefined;

/**
 * A one-off command: describe it, then run it once or as often as needed. Each run owns its whole tree, as those of `createService` do: what
 * it leaves behind is swept, and it ends with this program.
 *
 * @example
 * const branch = (await exec('git', 'branch', '--show-current').dir(repository).output()).trimEnd();
 * await exec('npm', 'ci').dir(repository).stdout(process.stdout).run();
 */
export const exec: (command: string, ...args: readonly string[]) => ExecCommand = createExec(() => {
  shared ??= createService();
  return shared;
});
