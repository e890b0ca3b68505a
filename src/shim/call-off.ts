import { setImmediate as nextTurn } from 'node:timers/promises';

/** Whether someone has typed that a command is not to be started again. */
export interface CallOff {
  /** Asked once the command has ended: what ended it may have been typed for both, and be heard here a moment later. */
  wasCalled(): Promise<boolean>;
  readonly whenCalled: Promise<void>;
  close(): void;
}

const TURNS_TO_HEAR = 2;

/**
 * Whoever types Ctrl-C wants no more of it: the attempt that runs is the last. The command gets the key's signal itself, as it shares the
 * terminal; a full-screen agent reads the key as its own, and no signal is made of it. Off a terminal these signals stop the run anyway.
 */
export function listenForCallOff(): CallOff {
  const { promise, resolve } = Promise.withResolvers<void>();
  let called = false;
  const onSignal = (): void => {
    called = true;
    resolve();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGQUIT', onSignal);
  return {
    whenCalled: promise,
    async wasCalled() {
      // The kernel has raised the signal by then. Node writes it down as it returns to its event loop, which looks at the note after
      // everything else of a turn: two turns on it has been heard.
      for (let turn = 0; turn < TURNS_TO_HEAR; turn += 1) await nextTurn();
      return called;
    },
    close() {
      process.off('SIGINT', onSignal);
      process.off('SIGQUIT', onSignal);
    },
  };
}
