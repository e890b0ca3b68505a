/** Whether someone has typed that a command is not to be started again. */
export interface CallOff {
  readonly called: boolean;
  readonly whenCalled: Promise<void>;
  close(): void;
}

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
    get called() {
      return called;
    },
    close() {
      process.off('SIGINT', onSignal);
      process.off('SIGQUIT', onSignal);
    },
  };
}
