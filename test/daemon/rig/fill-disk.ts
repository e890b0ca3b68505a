import { appendFileSync, writeFileSync } from 'node:fs';

/** Leaves no byte on the disk of this file. */
export function fillDisk(path: string): void {
  writeFileSync(path, '');
  for (let size = 1 << 20; size >= 512; size >>= 1) {
    try {
      for (;;) appendFileSync(path, Buffer.alloc(size));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
