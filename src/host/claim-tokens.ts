import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { ClaimToken } from '../claims/claim.ts';
import type { ClaimPlace } from '../claims/ports.ts';
import { atClaimFile } from './claim-file-error.ts';
import { makeName, removeName } from './exclusive-name.ts';

/** So many tokens have a name of their own; nobody sees a state that is older than as many holders. */
const KEPT = 64;

/**
 * Whether no token above this one was given, as the names in the claim's folder tell: each token that is given has one, which only one
 * process can make. A file system that shows an old file cannot make a name twice.
 * @throws PERMISSION_DENIED, STORE_FULL, FOLDER_NOT_FOUND, SYSTEM_ERROR
 */
export function isLastToken(
  place: ClaimPlace,
  { number, isNew }: { readonly number: ClaimToken; readonly isNew: boolean },
): boolean {
  const prefix = tokenPrefix(place);
  if (isNew && !makeName(`${prefix}${number}`, 'given')) return false;
  const given = givenTokens(place);
  if (given.some((other) => other > number)) return false;
  for (const old of given) if (old <= number - KEPT) removeName(`${prefix}${old}`);
  return true;
}

/** The highest token that a name says was given; 0 when none does. */
export function lastToken(place: ClaimPlace): number {
  return Math.max(0, ...givenTokens(place));
}

/** Unmakes the name of a token that was not given after all. */
export function takeBackToken(place: ClaimPlace, number: ClaimToken): void {
  removeName(`${tokenPrefix(place)}${number}`);
}

function tokenPrefix({ file }: ClaimPlace): string {
  return `${file.slice(0, -'.json'.length)}.token-`;
}

function givenTokens(place: ClaimPlace): readonly number[] {
  const prefix = basename(tokenPrefix(place));
  const folder = dirname(place.file);
  return atClaimFile('the tokens of the claim cannot be read', folder, () => readdirSync(folder))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)))
    .filter((number) => Number.isSafeInteger(number));
}
