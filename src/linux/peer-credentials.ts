import { lastErrno, libc, SystemCallError } from './libc.ts';

/** Who is at the other end of a Unix socket, as the kernel noted it when the connection was made. */
export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
}

// <asm-generic/socket.h>; MIPS has numbers of its own.
const SOL_SOCKET = process.arch.startsWith('mips') ? 0xffff : 1;
const SO_PEERCRED = process.arch.startsWith('mips') ? 18 : 17;

/** Reads SO_PEERCRED of a connected socket ([unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html)). */
export function peerCredentials(fd: number): PeerCredentials {
  const value = new Int32Array(3);
  const length = new Int32Array([value.byteLength]);
  if (libc.getsockopt(fd, SOL_SOCKET, SO_PEERCRED, value, length) !== 0)
    throw new SystemCallError('getsockopt', lastErrno());
  const [pid = 0, uid = 0, gid = 0] = value;
  return { pid, uid: uid >>> 0, gid: gid >>> 0 };
}
