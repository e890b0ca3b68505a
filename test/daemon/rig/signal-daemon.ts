import assert from 'node:assert/strict';
import { createLinuxProcesses } from '../../../src/linux/index.ts';
import type { Identity } from '../../../src/processes/identity.ts';
import type { SignalName } from '../../../src/processes/ports.ts';
import type { Home } from './home.ts';

/** Sends a signal to the daemon of this home, and returns who it was. */
export function signalDaemon(home: Home, signal: SignalName): Identity {
  const identity = home.daemon();
  assert.ok(identity, 'a daemon is registered and lives');
  const opened = createLinuxProcesses().signaller.open(identity);
  assert.ok(opened.kind === 'open');
  opened.handle.send(signal);
  opened.handle.close();
  return identity;
}
