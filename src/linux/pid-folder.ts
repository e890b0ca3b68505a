import { readdirSync } from 'node:fs';
import { allocate, lastErrno, libc, O_CLOEXEC, SystemCallError } from './libc.ts';

/** By Node's names of architectures. Not every C library has a wrapper. */
const SYS_GETDENTS64: Readonly<Record<string, number>> = { x64: 217, arm64: 61, riscv64: 61, loong64: 61 };

// struct linux_dirent64 (getdents64(2)): inode and offset of 8 bytes each, length of 2, type of 1, name.
const LENGTH_AT = 16;
const NAME_AT = 19;
const ZERO = 0x30;

/** A thousand processes in one call. */
const CAPACITY = 32 * 1024;
const memory = allocate(CAPACITY);

/** For tests: as on another machine. */
interface PidFolderOptions {
  /** As `process.arch`. */
  readonly architecture?: string;
  /** Of one call, in bytes, no more than the default. */
  readonly capacity?: number;
}

/**
 * The numbers in the folder /proc. By the system call where its number is known: `readdir` makes a string of each name first, and takes
 * twice as long.
 * @throws SystemCallError
 */
export function listPids({
  architecture = process.arch,
  capacity = CAPACITY,
}: PidFolderOptions = {}): readonly number[] {
  const call = SYS_GETDENTS64[architecture];
  if (call === undefined)
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0);
  const fd = libc.open('/proc', O_CLOEXEC);
  if (fd < 0) throw new SystemCallError('open /proc', lastErrno());
  const pids: number[] = [];
  try {
    for (;;) {
      const length = libc.syscall(call, fd, memory.address, capacity, 0);
      if (length < 0) throw new SystemCallError('getdents64 /proc', lastErrno());
      if (length === 0) return pids;
      addPids(pids, memory.bytes, length);
    }
  } finally {
    libc.close(fd);
  }
}

function addPids(pids: number[], entries: Buffer, length: number): void {
  for (let entry = 0; entry < length; entry += entries.readUInt16LE(entry + LENGTH_AT)) {
    const pid = pidAt(entries, entry + NAME_AT);
    if (pid > 0) pids.push(pid);
  }
}

/** 0 for a name that is none. */
function pidAt(bytes: Buffer, start: number): number {
  let pid = 0;
  for (let at = start; ; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return bytes[at] === 0 ? pid : 0;
    pid = pid * 10 + digit;
  }
}
