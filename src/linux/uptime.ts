/**
 * Whole clock ticks since boot, from the text of [proc_uptime(5)](https://man7.org/linux/man-pages/man5/proc_uptime.5.html): seconds with two
 * decimals. Reckoned in hundredths: half of all times with decimals come out a tick too early as fractions of a second.
 */
export function uptimeTicks(text: string, ticksPerSecond: number): number {
  const [seconds = '0', decimals = '0'] = (text.split(' ', 1)[0] ?? '').split('.');
  return Math.floor(((Number(seconds) * 100 + Number(decimals)) * ticksPerSecond) / 100);
}
