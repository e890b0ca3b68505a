import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** What a report's name stands for. */
type ReportTarget =
  /** One that this process was started with: `/dev/fd/3`, `/dev/stderr`. */
  | { readonly kind: 'descriptor'; readonly fd: number }
  /** A device or FIFO: opened and written as it is. */
  | { readonly kind: 'stream'; readonly path: string }
  /** A regular file, or none yet: replaced as a whole. Never a link, but what that leads to. */
  | { readonly kind: 'file'; readonly path: string };

const STANDARD_DESCRIPTORS: Readonly<Record<string, number>> = { stdin: 0, stdout: 1, stderr: 2 };

/** The number of `/dev/fd/3` and the like; null for what everybody means by its name. */
export function descriptorOf(file: string): number | null {
  const [, number, name = ''] = /^(?:\/dev|\/proc\/self)\/(?:fd\/(\d+)|(std(?:in|out|err)))$/u.exec(file) ?? [];
  return number === undefined ? (STANDARD_DESCRIPTORS[name] ?? null) : Number(number);
}

/** @throws when there is no such folder, and for what can hold no report */
export function targetOf(file: string): ReportTarget {
  const fd = descriptorOf(file);
  if (fd !== null) return { kind: 'descriptor', fd };
  const path = behindLinks(file);
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) throw new Error('it is a folder');
  if (stat?.isSocket() === true) throw new Error('it is a socket');
  return { kind: stat === undefined || stat.isFile() ? 'file' : 'stream', path };
}

/** The real path, also of a file that is not there yet, and of one that a link promises. */
function behindLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  const folder = realpathSync(dirname(file));
  const isLink = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  return isLink ? behindLinks(resolve(folder, readlinkSync(file))) : join(folder, basename(file));
}

/**
 * What nobody gave us may be Node's own: events, and pipes between its threads, which are read here as well.
 * @throws also when the descriptor cannot be written to
 */
export function assertGiven(fd: number): void {
  const link = leadsTo(fd);
  const isOwn = link.startsWith('anon_inode:') || (link.startsWith('pipe:') && isReadHere(link));
  if (isOwn) throw new Error('reeve was started without this descriptor');
  // Writes nothing, and fails where nothing could be written: https://man7.org/linux/man-pages/man2/write.2.html
  writeSync(fd, Buffer.alloc(0));
}

/** What [/proc/self/fd](https://man7.org/linux/man-pages/man5/proc_pid_fd.5.html) says of an open descriptor; '' where there is no /proc. */
function leadsTo(fd: number | string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}

function isReadHere(pipe: string): boolean {
  return readdirSync('/proc/self/fd').some((fd) => leadsTo(fd) === pipe && isReadOnly(fd));
}

/** The last octal digit of the flags: https://man7.org/linux/man-pages/man5/proc_pid_fdinfo.5.html */
function isReadOnly(fd: string): boolean {
  return /^flags:\s*[0-7]*[04]$/mu.test(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
}
