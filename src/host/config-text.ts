import { lstatSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { configInvalid } from '../config/problem.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { ReeveError } from '../errors.ts';
import { shellWord } from '../shell-word.ts';

/** Largest config that is read. Longer ones are some other file. */
const MAX_CONFIG_BYTES = 1_048_576;

/**
 * The text of the config file, without its byte order mark; null when there is no file. At once and not in the background, because every
 * run looks here before it starts, and most find nothing.
 * @throws CONFIG_INVALID for anything that is there and is not a readable text file
 */
export function readConfigText(file: string): string | null {
  let bytes: Buffer;
  try {
    const found = statSync(file);
    // Looked at before it is opened: a named pipe would be waited on for ever.
    if (!found.isFile()) throw unreadable(file, found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    if (found.size > MAX_CONFIG_BYTES) throw unreadable(file, 'it is larger than 1 MiB');
    bytes = readFileSync(file);
  } catch (error) {
    if (error instanceof ReeveError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return absent(file);
    if (code === 'EACCES')
      throw unreadable(file, 'permission denied', `make it readable: chmod u+r ${shellWord(file)}`, error);
    throw unreadable(file, String(code), 'name a readable file', error);
  }
  return decode(bytes, file);
}

/**
 * Nothing is there, if it was not meant to be: a link to nothing, on the way or at the end of it, says that a config was meant.
 * @throws CONFIG_INVALID
 */
function absent(file: string): null {
  for (let path = file; ; path = dirname(path)) {
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined && path !== dirname(path)) continue;
    const leadsNowhere = found?.isSymbolicLink() === true && statSync(path, { throwIfNoEntry: false }) === undefined;
    if (leadsNowhere) throw unreadable(file, `${path === file ? 'it' : path} is a link to nothing`);
    return null;
  }
}

const LIMITS_MAY_STAND_IN_IT =
  'limits may stand in it: mend it or move it away; `reeve config path` says where the config is looked for';

function unreadable(file: string, why: string, hint = LIMITS_MAY_STAND_IN_IT, cause?: unknown): ReeveError {
  return new ReeveError('CONFIG_INVALID', `the config cannot be read: ${why}`, { where: file, hint, cause });
}

function decode(bytes: Buffer, file: string): string {
  const marked = bytes.subarray(0, 3).equals(BYTE_ORDER_MARK) ? bytes.subarray(3) : bytes;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(marked);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw configInvalid(file, [badByte(marked)]);
  }
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The place of the first byte that is not UTF-8: decoding replaces it, and the text before it is intact. */
function badByte(bytes: Buffer): ConfigProblem {
  let good = 0;
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(bytes.toString('utf8'))) {
    const encoded = Buffer.from(segment);
    if (!bytes.subarray(good, good + encoded.length).equals(encoded)) break;
    good += encoded.length;
  }
  const before = bytes.subarray(0, good).toString('utf8').split('\n');
  return {
    line: before.length,
    column: (before.at(-1) ?? '').length + 1,
    key: '',
    message: 'this is not UTF-8',
    suggestion: 'save the file as UTF-8',
  };
}
