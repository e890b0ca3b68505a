/** Into how many turns a patience is divided. */
const TURNS = 5;

/**
 * Calls `onEnd` when this process has had `patienceMs` of its own to wait. Counted in turns of a timer, of which one fires however long the
 * process was suspended, or the machine: so a sleep of ours is not taken for the silence of whoever we wait for. It costs the other side a
 * fifth of the time at most, and the four others are left to read what had arrived meanwhile.
 * Returns what ends the waiting.
 */
export function waitPatiently(patienceMs: number, onEnd: () => void): () => void {
  let turns = 0;
  const timer = setInterval(() => {
    turns += 1;
    if (turns < TURNS) return;
    clearInterval(timer);
    onEnd();
  }, patienceMs / TURNS);
  return () => clearInterval(timer);
}

/** The answer, or `silent` when there is none within `patienceMs` of our own time. @throws what the answer rejects with */
export async function answerWithin<T>(answer: Promise<T>, patienceMs: number): Promise<T | 'silent'> {
  const { promise, resolve } = Promise.withResolvers<'silent'>();
  const giveUp = waitPatiently(patienceMs, () => resolve('silent'));
  try {
    return await Promise.race([answer, promise]);
  } finally {
    giveUp();
  }
}
