import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, copyFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Where the pinned agents are, after {@link installAgents}. */
export interface InstalledAgents {
  /** Folder with the command `claude`, to be put on PATH. */
  readonly binDir: string;
  readonly claude: string;
  /** ccusage's native binary; null on a platform that it is not published for. */
  readonly ccusage: string | null;
}

const AGENTS_DIR = join(import.meta.dirname, '..', 'agents');
/** ccusage's native binary inside node_modules. */
const CCUSAGE = join('@ccusage', 'ccusage-linux-x64', 'bin', 'ccusage');
/** Inside node_modules: the hash of the lock that was installed. Written last, so a half-done install never counts. */
const STAMP = '.installed-lock';

/**
 * Makes sure that the agents pinned in `test/agents` are installed: `npm ci` when the lock changed since the last time, else nothing.
 * It installs into a folder of its own and renames it into place, so processes that call it at once do not meet half an install.
 *
 * @param announce called once with a line for people, only when there is something to install
 */
export async function installAgents(announce: (line: string) => void = () => {}): Promise<InstalledAgents> {
  const lock = await readFile(join(AGENTS_DIR, 'package-lock.json'), 'utf8');
  const lockHash = createHash('sha256').update(lock).digest('hex');
  if (!(await isInstalled(lockHash))) {
    announce('installing the pinned agents into test/agents (Claude Code: 240 MB, once)');
    await install(lockHash);
  }
  const modules = join(AGENTS_DIR, 'node_modules');
  const binDir = join(modules, '.bin');
  const ccusage = join(modules, CCUSAGE);
  return { binDir, claude: join(binDir, 'claude'), ccusage: existsSync(ccusage) ? ccusage : null };
}

async function isInstalled(lockHash: string): Promise<boolean> {
  const stamp = await readFile(join(AGENTS_DIR, 'node_modules', STAMP), 'utf8').catch(() => null);
  return stamp === lockHash;
}

async function install(lockHash: string): Promise<void> {
  const scratch = await mkdtemp(join(AGENTS_DIR, '.install-'));
  try {
    for (const file of ['package.json', 'package-lock.json', '.npmrc']) {
      await copyFile(join(AGENTS_DIR, file), join(scratch, file));
    }
    await npmCi(scratch);
    // It is published without its execute bits; its own launcher, which is not installed, sets them.
    await chmod(join(scratch, 'node_modules', CCUSAGE), 0o755).catch(ignoreMissing);
    await writeFile(join(scratch, 'node_modules', STAMP), lockHash);
    if (await isInstalled(lockHash)) return;
    const place = join(AGENTS_DIR, 'node_modules');
    await rename(place, join(scratch, 'replaced')).catch(ignoreMissing);
    await rename(join(scratch, 'node_modules'), place).catch(async (error: unknown) => {
      if (!(await isInstalled(lockHash))) throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Claude Code's install script links its native binary into place: without it there is no `claude`. */
async function npmCi(folder: string): Promise<void> {
  const child = spawn('npm', ['ci', '--ignore-scripts=false', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) throw new Error(`npm ci in test/agents failed with exit code ${exitCode}:\n${output}`);
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
