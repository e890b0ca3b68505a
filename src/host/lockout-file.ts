import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { fromUsd } from '../limits/amount.ts';
import { PERIODS } from '../limits/limit.ts';
import type { Period } from '../limits/limit.ts';
import type { Lockout, LockoutKey } from '../limits/lockout.ts';

/** Ending of every lockout file; what ends otherwise in the folder is none. */
export const LOCKOUT_FILE_ENDING = '.json';

/** Number of the format below; raised when a reader of the old one would misread the new one. */
const FORMAT = 1;

/** Characters that each readable part of a name keeps; three parts and the hash stay far below the 255 bytes of a file name. */
const READABLE_LENGTH = 40;

/** Hex digits of the key's hash that make a name unique: 128 bits. */
const HASH_DIGITS = 32;

/**
 * Name of a lockout's file: a readable part for people, then the hash of the whole key, which alone makes it that key's. The parts are
 * hashed as JSON, so that no separator inside a name can make two keys one (`a__b` + `c`, `a` + `b__c`).
 */
export function lockoutFileName({ limit, project, branch, agent }: LockoutKey): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([limit, project, branch, agent]))
    .digest('hex');
  const parts = [project === null ? 'all' : project.slice(project.lastIndexOf('/') + 1), branch ?? '', limit];
  const readable = parts.map(readablePart).filter((part) => part !== '');
  return `${[...readable, hash.slice(0, HASH_DIGITS)].join('--')}${LOCKOUT_FILE_ENDING}`;
}

function readablePart(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, READABLE_LENGTH)
    .replaceAll(/^[.-]+|[.-]+$/g, '');
}

/** What a lockout's file says: the JSON of `reeve lockouts`, `*` for any, times in ISO 8601. */
export function lockoutFileText(lockout: Lockout): string {
  return `${JSON.stringify(contentOf(lockout), null, 2)}\n`;
}

/** Names of the fields in which the files of two lockouts differ. */
export function differingFields(a: Lockout, b: Lockout): readonly string[] {
  const other = contentOf(b);
  return Object.entries(contentOf(a))
    .filter(([field, value]) => !isDeepStrictEqual(value, other[field]))
    .map(([field]) => field);
}

function contentOf(lockout: Lockout): Readonly<Record<string, unknown>> {
  const { capMicroUsd, currentMicroUsd, lockedAt, expiresAt } = lockout;
  return {
    note: 'Deleting or editing this file does not unlock: `reeve unlock` does. Should reeve.db be lost, the lockout stands by this file.',
    format: FORMAT,
    project: lockout.project ?? '*',
    branch: lockout.branch ?? '*',
    agent: lockout.agent ?? '*',
    limit: lockout.limit,
    period: lockout.period,
    action: lockout.action,
    selects: lockout.selects,
    reason: lockout.reason,
    capUsd: capMicroUsd === null ? null : capMicroUsd / 1e6,
    currentUsd: currentMicroUsd === null ? null : currentMicroUsd / 1e6,
    capTokens: lockout.capTokens,
    currentTokens: lockout.currentTokens,
    lockedAt: new Date(lockedAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
}

/** What a lockout file's text holds, or why it holds none. */
export type LockoutReading = { readonly lockout: Lockout } | { readonly problem: string };

/**
 * Reads a lockout back from its file: all of it, because the file may have outlived the store. Checked by hand: `run` reads these files,
 * and loads no validator.
 */
export function readLockoutText(text: string): LockoutReading {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return { problem: text.trim() === '' ? 'it is empty' : `it is not JSON: ${(error as Error).message}` };
  }
  if (!isObject(content)) return { problem: 'it is not a JSON object' };
  const wrong = Object.entries(CHECKS).find(([field, isGood]) => !isGood(content[field]));
  return wrong === undefined
    ? { lockout: lockoutFrom(content as unknown as Fields) }
    : { problem: `${wrong[0]} is ${content[wrong[0]] === undefined ? 'missing' : 'not what it must be'}` };
}

/** The checked content of a file. */
interface Fields extends Pick<Lockout, 'limit' | 'period' | 'action' | 'reason' | 'capTokens' | 'currentTokens'> {
  readonly project: string;
  readonly branch: string;
  readonly agent: string;
  readonly selects?: Lockout['selects'];
  readonly capUsd: number | null;
  readonly currentUsd: number | null;
  readonly lockedAt: string;
  readonly expiresAt: string | null;
}

function lockoutFrom(fields: Fields): Lockout {
  const { limit, period, action, reason, capTokens, currentTokens, expiresAt } = fields;
  const part = (text: string): string | null => (text === '*' ? null : text);
  const microUsd = (usd: number | null): number | null => (usd === null ? null : fromUsd(usd));
  return {
    limit,
    project: part(fields.project),
    branch: part(fields.branch),
    agent: part(fields.agent),
    // One that does not say what its limit selects locks out all that its key covers.
    selects: fields.selects ?? { project: '*', branch: '*', agent: '*', run: '*', labels: {} },
    action,
    period,
    reason,
    capMicroUsd: microUsd(fields.capUsd),
    currentMicroUsd: microUsd(fields.currentUsd),
    capTokens,
    currentTokens,
    lockedAt: Date.parse(fields.lockedAt),
    expiresAt: expiresAt === null ? null : Date.parse(expiresAt),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isAmount = (value: unknown): boolean => value === null || (typeof value === 'number' && value >= 0);

const isSelection = (value: unknown): boolean =>
  isObject(value) &&
  ['project', 'branch', 'agent', 'run'].every((part) => typeof value[part] === 'string') &&
  isObject(value['labels']) &&
  Object.values(value['labels']).every((label) => typeof label === 'string');

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  format: (value) => value === FORMAT,
  limit: isText,
  project: isText,
  branch: isText,
  agent: isText,
  period: (value) => PERIODS.includes(value as Period),
  action: (value) => value === 'stop' || value === 'refuse',
  selects: (value) => value === undefined || isSelection(value),
  reason: isText,
  capUsd: isAmount,
  currentUsd: isAmount,
  capTokens: isAmount,
  currentTokens: isAmount,
  lockedAt: isTime,
  expiresAt: (value) => value === null || isTime(value),
};
