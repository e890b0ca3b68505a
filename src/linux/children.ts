import { listFolder, readProcFile } from './proc-files.ts';

export interface Children {
  readonly pids: readonly number[];
  /** False: the process or a thread of it ended meanwhile, or the kernel does not tell (CONFIG_PROC_CHILDREN). */
  readonly isWhole: boolean;
}

/**
 * Children of every thread of a process, zombies and those that /proc hides included
 * ([proc_tid_children(5)](https://man7.org/linux/man-pages/man5/proc_tid_children.5.html)).
 */
export function readChildren(pid: number | 'self'): Children {
  const threads = listFolder(`/proc/${pid}/task`);
  let isWhole = threads.length > 0;
  const pids: number[] = [];
  for (const thread of threads) {
    const file = readProcFile(`/proc/${pid}/task/${thread}/children`);
    if (file === null) isWhole = false;
    else
      for (const text of file.bytes.toString('latin1', 0, file.length).split(' '))
        if (text !== '') pids.push(Number(text));
  }
  return { pids, isWhole };
}
