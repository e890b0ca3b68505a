import type { Identity } from '../processes/identity.ts';
import type { TreeSpec } from '../processes/tree-spec.ts';
import { startedOf } from './lifecycle.ts';
import type { RunRecord } from './record.ts';

/**
 * From what the tree of a run is computed. Its group and session count only when the command leads them: on a terminal it shares
 * the group with the shim, and the session with the user's shell.
 */
export function treeSpecOf(record: RunRecord, options: { readonly exclude?: readonly Identity[] } = {}): TreeSpec {
  const { current } = record;
  const started = startedOf(current);
  const survivors = 'survivors' in current ? (current.survivors ?? []) : [];
  const pid = started?.identity.pid;
  return {
    shim: record.intent.shim,
    roots: [...(started === null ? [] : [started.identity]), ...survivors],
    cookie: record.intent.cookie,
    group: started !== null && started.processGroupId === pid ? started.processGroupId : null,
    session: started !== null && started.sessionId === pid ? started.sessionId : null,
    ...(started?.seenTicks !== undefined && { seenTicks: started.seenTicks }),
    ...(record.intent.mark !== undefined && { mark: record.intent.mark }),
    exclude: options.exclude ?? [],
  };
}
