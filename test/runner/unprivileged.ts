import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { Tally } from './tally.ts';

/** What the second pass gets of the checkout. */
const NEEDED = [
  'bin',
  'dist',
  'src',
  'test',
  'scripts',
  'node_modules',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
];
/** The acceptance checks of killing and containment: what an unprivileged user must be able to rely on most. */
const CHECKS = '\\bK\\d';

/**
 * Runs the K checks as `nobody`, who owns nothing and may do nothing: checkout, node, HOME, REEVE_HOME and TMPDIR in `folder`.
 * @param folder an existing folder that every user can reach
 */
export async function runAsNobody(options: {
  readonly root: string;
  readonly folder: string;
  readonly signal: AbortSignal;
}): Promise<Tally> {
  const { uid, gid } = nobody();
  const checkout = join(options.folder, 'checkout');
  layOut(options.root, checkout);
  const own = (name: string): string => {
    const path = join(options.folder, name);
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, uid, gid);
    return path;
  };
  const node = join(checkout, 'node_modules/node/bin/node');
  const child = spawn(node, [join(checkout, 'test/runner/second-pass.ts'), CHECKS], {
    uid,
    gid,
    cwd: checkout,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    signal: options.signal,
    env: {
      PATH: `${dirname(node)}:${process.env['PATH'] ?? '/usr/bin:/bin'}`,
      LANG: process.env['LANG'] ?? 'C.UTF-8',
      HOME: own('home'),
      REEVE_HOME: own('reeve'),
      TMPDIR: own('tmp'),
      NODE_COMPILE_CACHE: own('code'),
    },
  });
  let tally: Tally | undefined;
  child.on('message', (message) => (tally = message as Tally));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (tally === undefined) throw new Error(`the pass as nobody ended without a result (exit ${code ?? signal})`);
  return tally;
}

function nobody(): { readonly uid: number; readonly gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  // 65534 is the kernel's overflow id, and nobody's where no passwd file says otherwise (user_namespaces(7)).
  return { uid: Number(uid ?? 65_534), gid: Number(gid ?? 65_534) };
}

/**
 * Lays the checkout out under `target` so that every user can read it, whatever folder the checkout itself lies in: hard links
 * where the file is readable by others already, copies where not.
 */
export function layOut(root: string, target: string): void {
  mkdirSync(target, { mode: 0o755 });
  for (const name of NEEDED) {
    const from = join(root, name);
    if (!existsSync(from)) continue;
    if (statSync(from).isDirectory()) mirror(from, join(target, name));
    else mirrorFile(from, join(target, name));
  }
}

function mirror(from: string, to: string): void {
  mkdirSync(to, { mode: 0o755 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const copy = join(to, entry.name);
    if (entry.isDirectory()) mirror(source, copy);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), copy);
    else if (entry.isFile()) mirrorFile(source, copy);
  }
}

function mirrorFile(from: string, to: string): void {
  const mode = statSync(from).mode & 0o777;
  const readableMode = mode | ((mode & 0o500) >> 3) | ((mode & 0o500) >> 6);
  if (mode === readableMode && tryLink(from, to)) return;
  copyFileSync(from, to);
  chmodSync(to, readableMode);
}

/** Hard links do not cross file systems (EXDEV), and some file systems have none. */
function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch {
    return false;
  }
}
