import { ensureDaemon } from '../daemon/spawn.ts';
import { readDaemonIdentity } from '../host/daemon-registry.ts';
import { socketRenewedAt } from '../host/socket-links.ts';
import type { Identity } from '../processes/identity.ts';
import type { RunRecord } from '../runs/record.ts';
import type { AdmittedRun } from './admission.ts';
import { DaemonLink, LOST_AFTER_MS } from './daemon-link.ts';
import { complain, stderrIsTerminal } from './messages.ts';
import { hearWarnings, type WarningVoice } from './warnings.ts';
import type { ShimWorkplace } from './workplace.ts';

/** Keeps a limited run tied to the daemon that admitted it; when that stays away for too long, `[daemon] lost` decides. */
export function holdDaemon(
  { paths, env, events, clock }: ShimWorkplace,
  { intent: { id: runId } }: RunRecord,
  { client, lost }: NonNullable<AdmittedRun['daemon']>,
  { stop, warnings }: { readonly stop: (message: string) => void; readonly warnings: WarningVoice | null },
): DaemonLink {
  return new DaemonLink({
    runId,
    client,
    lost,
    registered: () => readDaemonIdentity(paths),
    signOfLife: () => socketRenewedAt(paths, paths.daemonSocket),
    reconnect: (silent) => ensureDaemon(paths, env, { silent, onReplace }),
    onHeld(held) {
      if (warnings !== null) void hearWarnings(held, runId, warnings);
    },
    onLost(action) {
      events.record({ type: 'daemon.lost', at: clock.now(), runId, action });
      const message = `the daemon that holds it to its limits was out of reach for ${LOST_AFTER_MS / 1_000} s`;
      if (action === 'warn') complain(`${message}; the run goes on without them ([daemon] lost = "warn")`);
      else {
        stop(message);
        // On a terminal the summary says so, when the screen is no longer the command's.
        if (!stderrIsTerminal()) complain(`${message}; the run is stopped ([daemon] lost = "stop")`);
      }
    },
  });

  function onReplace({ pid }: Identity): void {
    events.record({ type: 'daemon.replaced', at: clock.now(), pid, message: 'it lived, and answered nothing' });
  }
}
