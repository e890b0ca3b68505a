import { closeSync, existsSync, readdirSync, readFileSync } from 'node:fs';

/** Flag of a descriptor that exec closes, in octal as in `/proc/pid/fdinfo` (open(2), proc(5)). */
const O_CLOEXEC = 0o2000000;

/**
 * Closes what came over from whoever started the daemon: a pipe held open for days would hang its reader. Everything that Node opens is
 * close-on-exec, so a descriptor without that flag was inherited. Those below 17 Node marks at its own start; a Node that starts the
 * daemon has marked them in itself, and they never arrive here. Without /proc nothing tells which they are, and they stay.
 */
export function closeInheritedDescriptors(): void {
  if (!existsSync('/proc/self/fd')) return;
  for (const name of readdirSync('/proc/self/fd')) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, 'utf8'))?.[1];
      if (flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // The descriptor of the listing itself, gone by now.
    }
  }
}
