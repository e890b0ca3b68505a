/** The columns of {@link parseDetails}, in order. `args` is last: arguments hold blanks. */
export const DETAIL_COLUMNS = ['pid', 'ruid', 'rss', 'time', 'stat', 'args'] as const;

/** What `ps` tells about one process besides its row. */
export interface PsDetails {
  readonly uid: number;
  readonly rssBytes: number;
  readonly cpuMs: number | null;
  readonly words: readonly string[];
}

const LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)(?:\s(.*))?$/u;
/** What stands there instead of arguments for a process that has none: a dead one, or a thread of the kernel. */
const NO_ARGUMENTS = /^\[.*\](?: <defunct>)?$/u;
/** `[DD-]hh:mm:ss` (procps), `mmm:ss.cc` (macOS). */
const CPU_TIME = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d{2})(?:\.(\d{2}))?$/u;

/** By PID. Lines that are not understood are passed over: what they tell is unreadable then. */
export function parseDetails(text: string): ReadonlyMap<number, PsDetails> {
  const details = new Map<number, PsDetails>();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, pid, uid, rssKib, time = '', stat = '', args = ''] = match;
    details.set(Number(pid), {
      uid: Number(uid),
      rssBytes: Number(rssKib) * 1_024,
      cpuMs: parseCpuTime(time),
      words: stat.startsWith('Z') ? [] : wordsOf(args),
    });
  }
  return details;
}

/** `ps` joins arguments with blanks, so where one ends is lost: each word counts as one. */
function wordsOf(args: string): readonly string[] {
  const text = args.trim();
  return text === '' || NO_ARGUMENTS.test(text) ? [] : text.split(/\s+/u);
}

/** Milliseconds; null when it is no time. */
export function parseCpuTime(text: string): number | null {
  const match = CPU_TIME.exec(text);
  if (match === null) return null;
  const parts: readonly (string | undefined)[] = match.slice(1);
  const [days = 0, hours = 0, minutes = 0, seconds = 0, hundredths = 0] = parts.map((part) => Number(part ?? 0));
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000 + hundredths * 10;
}
