import type { Identity } from '../processes/identity.ts';
import type { SignalName, Signaller } from '../processes/ports.ts';

/** Where signals to the shim come from, and so what they mean. */
export type SignalPolicy =
  /** On a terminal the kernel gives INT, QUIT, TSTP and WINCH to the command itself: it shares the process group. */
  | 'terminal'
  /** Whoever started `reeve run` there knows only the shim's PID: what is sent to it is meant for the command. */
  | 'forward'
  /** The same for a command that is started again: passed on, a signal would end an attempt and nothing more, so it ends the run. */
  | 'end'
  /** Nobody but an administrator or the run that this one is nested in signals a background shim. */
  | 'background';

export interface SignalActions {
  /** Someone wants the run ended: TERM or HUP where they are not forwarded. */
  readonly stop: (signal: SignalName) => void;
  readonly forward: (signal: SignalName) => void;
}

type Action = 'ignore' | 'stop' | 'forward';

const POLICIES: Readonly<Record<SignalPolicy, Readonly<Partial<Record<SignalName, Action>>>>> = {
  terminal: { INT: 'ignore', QUIT: 'ignore', TERM: 'stop', HUP: 'stop', USR1: 'forward', USR2: 'forward' },
  forward: { INT: 'forward', QUIT: 'forward', TERM: 'forward', HUP: 'forward', USR1: 'forward', USR2: 'forward' },
  end: { INT: 'stop', QUIT: 'stop', TERM: 'stop', HUP: 'stop', USR1: 'forward', USR2: 'forward' },
  background: { INT: 'stop', QUIT: 'stop', TERM: 'stop', HUP: 'ignore', USR1: 'forward', USR2: 'forward' },
};

/**
 * Handles the shim's own signals. "Ignored" is a handler that does nothing: a disposition of SIG_IGN would be inherited by programs
 * that do not reset it. Returns what puts the defaults back.
 */
export function handleSignals(policy: SignalPolicy, actions: SignalActions): () => void {
  const handlers = Object.entries(POLICIES[policy]).map(([name, action]) => {
    const signal = name as SignalName;
    const handler = (): void => {
      if (action === 'stop') actions.stop(signal);
      if (action === 'forward') actions.forward(signal);
    };
    process.on(`SIG${signal}`, handler);
    return { signal, handler };
  });
  return () => {
    for (const { signal, handler } of handlers) process.off(`SIG${signal}`, handler);
  };
}

/** Keeps the signals that come before there is anything to stop or to forward to, in order. */
export class EarlySignals implements SignalActions {
  readonly #kept: { readonly action: keyof SignalActions; readonly signal: SignalName }[] = [];
  #actions: SignalActions | null = null;

  stop(signal: SignalName): void {
    this.#take('stop', signal);
  }

  forward(signal: SignalName): void {
    this.#take('forward', signal);
  }

  deliverTo(actions: SignalActions): void {
    this.#actions = actions;
    for (const { action, signal } of this.#kept.splice(0)) actions[action](signal);
  }

  #take(action: keyof SignalActions, signal: SignalName): void {
    if (this.#actions === null) this.#kept.push({ action, signal });
    else this.#actions[action](signal);
  }
}

/** Sends a signal on to the command, if it lives. */
export function forwardSignal(signaller: Signaller, leader: Identity, signal: SignalName): void {
  const opened = signaller.open(leader);
  if (opened.kind !== 'open') return;
  opened.handle.send(signal);
  opened.handle.close();
}
