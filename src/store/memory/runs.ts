import { ReeveError } from '../../errors.ts';
import type { Receipt } from '../../processes/receipt.ts';
import { assertIntent, runExists } from '../../runs/assert-intent.ts';
import { isTerminal, outcomeOf } from '../../runs/lifecycle.ts';
import { assertRemovable, assertUpdate } from '../../runs/write-guard.ts';
import type { RunQuery, RunStore } from '../../runs/ports.ts';
import type { RunId, RunRecord } from '../../runs/record.ts';

/** Runs and their receipts. Records go in and out as copies. */
export function createRuns(): RunStore {
  const records = new Map<RunId, RunRecord>();
  const receipts = new Map<RunId, Receipt[]>();
  const remove = (record: RunRecord) => {
    records.delete(record.intent.id);
    receipts.delete(record.intent.id);
    return record.intent.id;
  };
  return {
    insert: async (intent, first = { state: 'starting' }) => {
      assertIntent(intent);
      if (records.has(intent.id)) throw runExists(intent, intent.id);
      const isRival = (other: RunRecord) => isActive(other) && other.intent.name === intent.name;
      const rival = intent.name === null ? undefined : [...records.values()].find(isRival);
      if (rival !== undefined) throw runExists(intent, rival.intent.id);
      const record: RunRecord = { intent, current: first, updatedAt: intent.createdAt, version: 1 };
      records.set(intent.id, structuredClone(record));
      return structuredClone(record);
    },
    get: async (id) => structuredClone(records.get(id) ?? null),
    findByPrefix: async (prefix) =>
      [...records.values()]
        .filter(({ intent }) => intent.id.startsWith(prefix))
        .toSorted((a, b) => compare(a.intent.id, b.intent.id))
        .slice(0, 2)
        .map((record) => structuredClone(record)),
    list: async (query) => {
      const found = [...records.values()].filter((record) => matches(record, query)).toSorted(newestFirst);
      const limit = query.limit === undefined || query.limit === 0 ? found.length : query.limit;
      return found.slice(0, limit).map((record) => structuredClone(record));
    },
    update: async (read, next, now, owner) => {
      const id = read.intent.id;
      const stored = records.get(id);
      const seen = stored === undefined ? null : { state: stored.current.state, version: stored.version };
      assertUpdate(seen, { id, version: read.version }, next.state);
      const intent = owner === undefined ? read.intent : { ...read.intent, owner };
      const written: RunRecord = { intent, current: next, updatedAt: now, version: read.version + 1 };
      records.set(id, structuredClone(written));
      return structuredClone(written);
    },
    saveReceipt: async (id, receipt) => {
      if (!records.has(id)) throw new ReeveError('RUN_NOT_FOUND', `no run ${id}`, { where: id });
      receipts.set(id, [...(receipts.get(id) ?? []), structuredClone(receipt)]);
    },
    receipts: async (id) => structuredClone(receipts.get(id) ?? []),
    remove: async (id) => {
      const record = records.get(id);
      assertRemovable(id, record === undefined ? null : record.current.state);
      records.delete(id);
      receipts.delete(id);
    },
    prune: async ({ before, keep }) => {
      const ended = [...records.values()].filter((record) => !isActive(record)).toSorted(latestEndFirst);
      return ended.filter((record, index) => index >= keep || endOf(record) < before).map(remove);
    },
  };
}

function matches({ intent, current }: RunRecord, query: RunQuery): boolean {
  return (
    (query.ids === undefined || query.ids.includes(intent.id)) &&
    (query.states === undefined || query.states.includes(current.state)) &&
    (query.name === undefined || intent.name === query.name) &&
    (query.worktree === undefined || intent.worktree === query.worktree) &&
    (query.project === undefined || intent.project === query.project) &&
    (query.parents === undefined || (intent.parentRunId !== null && query.parents.includes(intent.parentRunId)))
  );
}

function isActive(record: RunRecord): boolean {
  return !isTerminal(record.current.state);
}

function endOf(record: RunRecord): number {
  return outcomeOf(record.current)?.completedAt ?? Infinity;
}

function newestFirst(a: RunRecord, b: RunRecord): number {
  return b.updatedAt - a.updatedAt || compare(b.intent.id, a.intent.id);
}

function latestEndFirst(a: RunRecord, b: RunRecord): number {
  return endOf(b) - endOf(a) || compare(b.intent.id, a.intent.id);
}

/** By code unit, as SQLite compares ASCII text. */
function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
