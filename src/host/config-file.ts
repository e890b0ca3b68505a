import { readFile, stat } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { expandHome } from '../config/convert.ts';
import { defaultConfig, parseConfig } from '../config/load.ts';
import { configInvalid } from '../config/problem.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { ReeveError } from '../errors.ts';
import { homeFolder } from './home-folder.ts';
import type { Paths } from './paths.ts';

/** Largest config that is read. Longer ones are some other file. */
const MAX_CONFIG_BYTES = 1_048_576;

/**
 * The config in force: the file's, or the defaults when there is none.
 * @throws CONFIG_INVALID
 */
export async function loadConfig(
  paths: Pick<Paths, 'configFile'>,
  home: string = homeFolder(process.env),
): Promise<Config> {
  const text = await readConfigText(paths.configFile);
  return text === null ? defaultConfig() : expandHome(parseConfig(text, paths.configFile), home);
}

/**
 * The text of the config file; null when there is no file.
 * @throws CONFIG_INVALID for anything that is there and is not a readable text file
 */
export async function readConfigText(file: string): Promise<string | null> {
  let bytes: Buffer;
  try {
    const found = await stat(file);
    // Looked at before it is opened: a named pipe would be waited on for ever.
    if (!found.isFile()) throw notAFile(file, found.isDirectory() ? 'it is a folder' : 'it is not a regular file');
    if (found.size > MAX_CONFIG_BYTES) throw notAFile(file, 'it is larger than 1 MiB');
    bytes = await readFile(file);
  } catch (error) {
    if (error instanceof ReeveError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const why = code === 'EACCES' ? 'permission denied' : String(code);
    const hint = code === 'EACCES' ? `make it readable: chmod u+r '${file}'` : 'name a readable file';
    throw new ReeveError('CONFIG_INVALID', `the config cannot be read: ${why}`, { where: file, hint, cause: error });
  }
  return decode(bytes, file);
}

function notAFile(file: string, why: string): ReeveError {
  const hint = 'move it away; `reeve config path` says where the config is looked for';
  return new ReeveError('CONFIG_INVALID', `the config cannot be read: ${why}`, { where: file, hint });
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
