import { ReeveError } from './errors.ts';
import { createLinuxProcesses } from './linux/index.ts';
import type { Processes } from './processes/ports.ts';

/** Set to `portable`, it takes the table of `ps` and `lsof` also where there is a /proc. */
const TABLE_VARIABLE = 'REEVE_PROCESS_TABLE';

/**
 * Opens this machine's processes: by /proc and system calls on Linux, else by `ps` and `lsof`. Every program comes by them here.
 * @throws PLATFORM_UNSUPPORTED, USAGE
 */
export async function openProcesses(env: NodeJS.ProcessEnv): Promise<Processes> {
  if (!needsPortable(env)) return createLinuxProcesses();
  // Loaded only where it is used: the time `reeve run` adds to a command is a published bar.
  const { createPortableProcesses } = await import('./portable/index.ts');
  return createPortableProcesses(env);
}

/**
 * True on other systems than Linux, and where /proc is not to be asked.
 * @throws USAGE
 */
export function needsPortable(env: NodeJS.ProcessEnv): boolean {
  const wanted = env[TABLE_VARIABLE] ?? '';
  if (wanted !== '' && wanted !== 'portable')
    throw new ReeveError('USAGE', `${TABLE_VARIABLE} is ${JSON.stringify(wanted)}`, {
      hint: 'Set it to portable, or not at all.',
    });
  return wanted === 'portable' || process.platform !== 'linux';
}
