import { createHash } from 'node:crypto';
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
  const { capMicroUsd, currentMicroUsd, lockedAt, expiresAt } = lockout;
  const content = {
    note: 'The row in reeve.db decides: deleting or editing this file does not unlock. `reeve unlock` does.',
    format: FORMAT,
    project: lockout.project ?? '*',
    branch: lockout.branch ?? '*',
    agent: lockout.agent ?? '*',
    limit: lockout.limit,
    period: lockout.period,
    action: lockout.action,
    reason: lockout.reason,
    capUsd: capMicroUsd === null ? null : capMicroUsd / 1e6,
    currentUsd: currentMicroUsd === null ? null : currentMicroUsd / 1e6,
    capTokens: lockout.capTokens,
    currentTokens: lockout.currentTokens,
    lockedAt: new Date(lockedAt).toISOString(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt).toISOString(),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/**
 * Says why a file's text is not a lockout, or null when it is one. Checked by hand: `run` reads these files, and loads no validator.
 */
export function lockoutFileProblem(text: string): string | null {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    return text.trim() === '' ? 'it is empty' : `it is not JSON: ${(error as Error).message}`;
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return 'it is not a JSON object';
  const fields = content as Readonly<Record<string, unknown>>;
  const wrong = Object.entries(CHECKS).find(([field, isGood]) => !isGood(fields[field]));
  return wrong === undefined
    ? null
    : `${wrong[0]} is ${fields[wrong[0]] === undefined ? 'missing' : 'not what it must be'}`;
}

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value));
const isAmount = (value: unknown): boolean => value === null || (typeof value === 'number' && value >= 0);

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  format: (value) => value === FORMAT,
  limit: isText,
  project: isText,
  branch: isText,
  agent: isText,
  period: (value) => PERIODS.includes(value as Period),
  action: (value) => value === 'stop' || value === 'refuse',
  reason: isText,
  capUsd: isAmount,
  currentUsd: isAmount,
  capTokens: isAmount,
  currentTokens: isAmount,
  lockedAt: isTime,
  expiresAt: (value) => value === null || isTime(value),
};
