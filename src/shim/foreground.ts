import { openTerminal, type Terminal } from '../linux/terminal.ts';
import { admit } from './admission.ts';
import { exitPlanOf, type ExitPlan } from './ending.ts';
import type { RunExit } from '../runs/record.ts';
import { outcomeOf } from '../runs/lifecycle.ts';
import { complain, stderrIsTerminal } from './messages.ts';
import { report } from './report.ts';
import type { RunRequest } from './request.ts';
import { startRun, type LiveRun } from './run.ts';
import type { SignalPolicy } from './signals.ts';
import { shareSuspension } from './suspension.ts';
import { createWarningVoice, type WarningVoice } from './warnings.ts';
import type { ShimWorkplace } from './workplace.ts';

export interface ForegroundEnd {
  readonly plan: ExitPlan;
  /** With `--keep-background` and something kept: waits for its end and closes the books. Null when the run is over. */
  readonly linger: (() => Promise<void>) | null;
}

/**
 * Runs a command in the foreground, with this process as its shim: descriptors 0 to 2 pass through untouched, process group and
 * terminal are shared.
 * @throws whatever keeps the command from being started
 */
export async function runForeground(workplace: ShimWorkplace, request: RunRequest): Promise<ForegroundEnd> {
  const admitted = await admit(workplace, request, { background: false });
  const warning = admitted.daemon?.warning ?? null;
  if (warning !== null) complain(warning);
  const terminal = openTerminal(workplace.env);
  const voice = createWarningVoice();
  const live = await startRun(workplace, admitted, request, {
    openStdio: () => ({ stdio: 'inherit', close() {} }),
    ownSession: false,
    signals: signalPolicyOf(request, terminal),
    // A terminal is the command's to draw on until it has ended.
    warnings: stderrIsTerminal() ? null : voice,
  });
  try {
    return await attend(workplace, { request, live, terminal, voice });
  } catch (error) {
    // A store that cannot be written must not leave a shim that waits for ever for nothing.
    await live.close();
    throw error;
  }
}

async function attend(
  workplace: ShimWorkplace,
  {
    request,
    live,
    terminal,
    voice,
  }: {
    readonly request: RunRequest;
    readonly live: LiveRun;
    readonly terminal: Terminal | null;
    readonly voice: WarningVoice;
  },
): Promise<ForegroundEnd> {
  const stopSharing = terminal === null ? null : shareSuspensionOf(workplace, live);
  const giveBackTerminal = ({ exitCode }: RunExit): void => {
    terminal?.restore({
      leaveFullScreen: exitCode !== 0,
      groupLives: (group) => workplace.table.list().some((row) => row.pgid === group && row.state !== 'Z'),
    });
  };
  // Between two attempts too: until the next one takes it, Ctrl-C is a key for the run.
  const { exit, ending } = await live.end(giveBackTerminal);
  stopSharing?.();
  giveBackTerminal(exit);
  terminal?.close();
  await live.daemon?.settle();
  await report(workplace, request, { ending, voice });
  const plan = exitPlanOf(ending);
  if (!request.keepBackground || outcomeOf(ending.record.current) !== null) {
    await live.close();
    return { plan, linger: null };
  }
  return {
    plan,
    async linger() {
      const last = await live.supervisor.finishRest(exit);
      await live.daemon?.settle();
      await live.close();
      await report(workplace, request, { ending: last, voice });
    },
  };
}

function signalPolicyOf({ restart }: RunRequest, terminal: Terminal | null): SignalPolicy {
  if (terminal !== null) return 'terminal';
  return restart === null ? 'forward' : 'end';
}

function shareSuspensionOf({ table, signaller }: ShimWorkplace, { leader, supervisor }: LiveRun): () => void {
  return shareSuspension({ table, signaller, leader, isHeld: () => supervisor.isHeld() });
}
