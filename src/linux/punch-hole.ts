import koffi from 'koffi';

// <linux/falloc.h>
const FALLOC_FL_KEEP_SIZE = 0x01;
const FALLOC_FL_PUNCH_HOLE = 0x02;

let loadedFallocate: ((fd: number, mode: number, offset: number, length: number) => number) | null = null;

/**
 * Gives the disk space of a range back; the file keeps its size and its other bytes their offsets, so whoever appends to it goes on
 * undisturbed. False when the file system cannot ([fallocate(2)](https://man7.org/linux/man-pages/man2/fallocate.2.html)).
 */
export function punchHole(fd: number, offset: number, length: number): boolean {
  if (process.platform !== 'linux') return false;
  loadedFallocate ??= koffi
    .load(null)
    .func('int fallocate(int fd, int mode, int64_t offset, int64_t length)') as unknown as typeof loadedFallocate &
    object;
  return loadedFallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length) === 0;
}
