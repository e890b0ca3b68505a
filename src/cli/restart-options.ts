import { ReeveError } from '../errors.ts';
import { parseDuration } from '../limits/duration.ts';
import { DEFAULT_RESTART, RESTART_MODES, type RestartPolicy } from '../runs/restart-policy.ts';

/** What `--restart` can be. */
export const RESTART_WORDS = ['no', ...RESTART_MODES] as const;

/** More quick failures in a row than anyone would want to see; what is larger is a typing error. */
const MAX_LIMIT = 1_000_000;

/**
 * Reads `--restart` and what goes with it. Null: the command is never started again.
 * @throws USAGE naming the option
 */
export function toRestartPolicy(options: {
  readonly restart: string;
  readonly restartDelay?: string;
  readonly restartLimit?: string;
  readonly keepBackground?: boolean;
}): RestartPolicy | null {
  const { restart, restartDelay, restartLimit, keepBackground } = options;
  const mode = RESTART_MODES.find((known) => known === restart);
  if (mode === undefined && restart !== 'no')
    throw refused('--restart', restart, `it is one of ${RESTART_WORDS.join(', ')}`);
  if (mode === undefined) {
    const idle =
      restartDelay === undefined ? (restartLimit === undefined ? null : '--restart-limit') : '--restart-delay';
    if (idle === null) return null;
    throw new ReeveError('USAGE', `${idle} is for a command that is started again`, {
      hint: 'add --restart on-failure or --restart always',
      where: idle,
    });
  }
  if (keepBackground === true)
    throw new ReeveError('USAGE', '--restart and --keep-background exclude each other', {
      hint: 'a command is started again only when nothing of the attempt before lives',
      where: '--restart',
    });
  const firstDelayMs = restartDelay === undefined ? DEFAULT_RESTART.firstDelayMs : parseDelay(restartDelay);
  return {
    ...DEFAULT_RESTART,
    mode,
    firstDelayMs,
    maxDelayMs: Math.max(firstDelayMs, DEFAULT_RESTART.maxDelayMs),
    maxQuickFailures: restartLimit === undefined ? DEFAULT_RESTART.maxQuickFailures : parseLimit(restartLimit),
  };
}

function parseDelay(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) throw refused('--restart-delay', text, 'give a time above 0, such as 500ms or 5s');
  return ms;
}

function parseLimit(text: string): number {
  const count = /^\d+$/u.test(text.trim()) ? Number(text) : 0;
  if (count < 1 || count > MAX_LIMIT) throw refused('--restart-limit', text, 'give a count above 0, such as 5');
  return count;
}

function refused(option: string, value: string, hint: string): ReeveError {
  return new ReeveError('USAGE', `${option} cannot be "${value}"`, { hint, where: option });
}
