import type { Identity } from '../processes/identity.ts';
import type { RunIntent } from './record.ts';

/** Who speaks for a run: its shim, or whoever registered it. What it sees, its boot and PID namespace, is where the run lives. */
export function keeperOf({ id, shim, registrant }: Pick<RunIntent, 'id' | 'shim' | 'registrant'>): Identity {
  const keeper = shim ?? registrant;
  if (keeper === undefined) throw new Error(`run ${id} has neither a shim nor a registrant`);
  return keeper;
}
