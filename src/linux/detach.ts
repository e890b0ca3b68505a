import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

interface DetachCalls {
  setsid(): number;
  dup2(from: number, to: number): number;
}

let loadedCalls: DetachCalls | null = null;

function calls(): DetachCalls {
  const libc = koffi.load(null);
  loadedCalls ??= {
    setsid: libc.func('int setsid()') as unknown as DetachCalls['setsid'],
    dup2: libc.func('int dup2(int from, int to)') as unknown as DetachCalls['dup2'],
  };
  return loadedCalls;
}

/**
 * Leaves the terminal, the process group and the pipes that this process was started with: whoever reads its output sees the end of it,
 * and a closed window sends it no HUP. Does nothing to the session when this process leads its group, which the kernel does not allow
 * ([setsid(2)](https://man7.org/linux/man-pages/man2/setsid.2.html)).
 */
export function detachFromCaller(): void {
  calls().setsid();
  const nothing = openSync('/dev/null', 'r+');
  for (const standard of [0, 1, 2]) calls().dup2(nothing, standard);
  if (nothing > 2) closeSync(nothing);
}
