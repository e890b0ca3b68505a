import { readdirSync } from 'node:fs';
import { createLinuxProcesses } from '../../src/linux/index.ts';

/** What is on its way out when the last test ends gets this long; whatever lives on was left behind. */
const GONE_WITHIN_MS = 5_000;

/**
 * Finds what tests left behind: files in their TMPDIR, and processes that still carry it in their environment. Ends those processes.
 * @param folders the folders that were TMPDIR
 * @returns one line per leftover
 */
export async function findLeftovers(folders: readonly string[]): Promise<readonly string[]> {
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => `file left in TMPDIR: ${name}`));
  return [...files, ...(await endLeftoverProcesses(folders))];
}

async function endLeftoverProcesses(folders: readonly string[]): Promise<readonly string[]> {
  const { table, signaller } = createLinuxProcesses();
  const carries = (pid: number): boolean => {
    const value = table.environment(pid, 'TMPDIR');
    return (
      value.kind === 'value' && folders.some((folder) => value.value === folder || value.value.startsWith(`${folder}/`))
    );
  };
  const lines: string[] = [];
  for (const row of table.list()) {
    if (row.pid === process.pid || row.state === 'Z' || !carries(row.pid)) continue;
    const argv = table.details(row.pid).argv?.join(' ') ?? row.comm;
    const opened = signaller.open({ ...table.realm, pid: row.pid, startTicks: row.startTicks });
    if (opened.kind !== 'open') continue;
    const ended = await signaller.waitAny([opened.handle], GONE_WITHIN_MS);
    if (ended.length === 0) {
      opened.handle.send('KILL');
      lines.push(`process left running: ${row.pid} ${argv}`);
    }
    opened.handle.close();
  }
  return lines;
}
