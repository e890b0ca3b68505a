import { openSync } from 'node:fs';
import koffi from 'koffi';

// <fcntl.h>: the same numbers on every Linux.
const F_SETLEASE = 1024;
const F_WRLCK = 1;

/**
 * Holds a write lease on the file that it is called with, says `held`, and `asked` when somebody opens the file: that open waits until this
 * process ends, as its standard input does, or for the 45 s of fs.lease-break-time
 * ([fcntl(2)](https://man7.org/linux/man-pages/man2/fcntl.2.html), [proc_sys_fs(5)](https://man7.org/linux/man-pages/man5/proc_sys_fs.5.html)).
 */
const [, , file = ''] = process.argv;
const setLease = koffi.load(null).func('int fcntl(int fd, int command, ...)') as (...values: unknown[]) => number;
process.on('SIGIO', () => process.stdout.write('asked\n'));
if (setLease(openSync(file, 'r+'), F_SETLEASE, 'int', F_WRLCK) !== 0) throw new Error(`no lease on ${file}`);
process.stdout.write('held\n');
process.stdin.on('end', () => process.exit()).resume();
