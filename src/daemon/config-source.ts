import { constants } from 'node:fs';
import { lstat, mkdir, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { ReeveError } from '../errors.ts';
import { watchFile } from '../host/file-watch.ts';
import { homeError } from '../host/home-error.ts';
import type { Paths } from '../host/paths.ts';

/** The configuration in force, which follows the file. */
export interface ConfigSource {
  /** The last that was valid. */
  readonly current: Config;
  /** What is wrong with the file as it is now; null when it is in force. */
  readonly rejected: ReeveError | null;
  /** Why no limits can be enforced: the file is invalid and no valid one was ever seen. Null otherwise, also while there is no file. */
  readonly blocked: ReeveError | null;
  /** Why there is no copy of the file in force: after a restart over an invalid edit an older one would be. Null when there is one. */
  readonly unkept: ReeveError | null;
  /** Reads the file again if it changed; never throws. */
  refresh(): Promise<void>;
  close(): void;
}

export interface ConfigSourceOptions {
  readonly paths: Paths;
  /** Reads and validates; a missing file gives the defaults. @throws CONFIG_INVALID */
  readonly load: (paths: Paths) => Promise<Config>;
  /** The file changed and is valid. */
  readonly onChange: () => void;
  /** The file changed and is not valid; what was in force stays so. */
  readonly onRejected: (error: ReeveError) => void;
  /** The file is in force, and no copy of it could be made. Told once; it is tried again at every {@link ConfigSource.refresh}. */
  readonly onUnkept: (error: ReeveError) => void;
  readonly clock: Pick<Clock, 'sleep'>;
}

/** As `w`, but never waits for the reader of a named pipe. */
const ANEW = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NONBLOCK;

/** Half a file may be valid, with half of the limits: what was changed counts once it has stayed the same for so long, in milliseconds. */
const SETTLE_MS = 100;
/** A file that never comes to rest counts all the same after so many looks. */
const MAX_LOOKS = 20;

/**
 * Follows the config file. An invalid edit leaves the last valid limits in force, also over a crash: each valid file is kept as a copy in
 * the state folder, because a daemon that restarts over a typing error must not forget every limit.
 */
export async function openConfigSource(options: ConfigSourceOptions): Promise<ConfigSource> {
  const { paths, clock } = options;
  const lastGood: Paths = { ...paths, configFile: join(paths.stateDir, 'config.last-good.toml') };
  let signature = await signatureOf(paths.configFile);
  let rejected: ReeveError | null = null;
  let blocked: ReeveError | null = null;
  let unkept: ReeveError | null = null;
  let current = await loadFirst();
  let refreshing: Promise<void> | null = null;

  await mkdir(dirname(paths.configFile), { recursive: true, mode: 0o700 });
  const watch = watchFile(paths.configFile, () => void refresh());

  return {
    get current() {
      return current;
    },
    get rejected() {
      return rejected;
    },
    get blocked() {
      return blocked;
    },
    get unkept() {
      return unkept;
    },
    refresh,
    close: () => watch.close(),
  };

  async function loadFirst(): Promise<Config> {
    try {
      return await loadAndKeep();
    } catch (error) {
      return loadLastGood(reject(error));
    }
  }

  function reject(error: unknown): ReeveError {
    rejected = asRejection(error, paths);
    options.onRejected(rejected);
    return rejected;
  }

  /** What is in force instead of an invalid file. That there was no file before makes none of it: nobody has said that there are no limits. */
  async function loadLastGood(rejection: ReeveError): Promise<Config> {
    if ((await signatureOf(lastGood.configFile)) === 'absent') blocked = rejection;
    return options.load(lastGood);
  }

  function refresh(): Promise<void> {
    refreshing ??= follow().finally(() => (refreshing = null));
    return refreshing;
  }

  async function follow(): Promise<void> {
    if (unkept !== null) await keep(current);
    for (let pass = 1; pass <= MAX_LOOKS && (await signatureOf(paths.configFile)) !== signature; pass += 1) {
      signature = await settledSignature();
      try {
        current = await loadAndKeep();
        rejected = null;
        blocked = null;
        options.onChange();
      } catch (error) {
        const rejection = reject(error);
        // As a daemon that starts now would find it: the same file must not be judged differently by how long the daemon has run.
        if (current.file === null) current = await loadLastGood(rejection).catch(() => current);
      }
    }
  }

  async function settledSignature(): Promise<string> {
    let found = await signatureOf(paths.configFile);
    for (let look = 1; look < MAX_LOOKS; look += 1) {
      await clock.sleep(SETTLE_MS);
      const again = await signatureOf(paths.configFile);
      if (again === found) break;
      found = again;
    }
    return found;
  }

  async function loadAndKeep(): Promise<Config> {
    const config = await options.load(paths);
    await keep(config);
    return config;
  }

  /** What is valid is in force, copy or not: it is what was said last, and may be the stricter. */
  async function keep({ file }: Config): Promise<void> {
    if (file === null) return;
    const fresh = `${lastGood.configFile}.new`;
    const isUnchanged = async (): Promise<boolean> => (await signatureOf(file)) === signature;
    try {
      await writeFile(fresh, await readFile(file), { mode: 0o600, flag: ANEW });
      // Otherwise it was changed meanwhile, and what was copied may not be what was found valid.
      if (await isUnchanged()) await rename(fresh, lastGood.configFile);
      unkept = null;
    } catch (error) {
      // Half a copy takes room where there is none.
      await truncate(fresh).catch(() => {});
      if (!(await isUnchanged())) return;
      const isNews = unkept === null;
      const what = `the config is in force, but no copy for when an edit is invalid can be kept at ${lastGood.configFile}`;
      unkept = homeError(what, lastGood.configFile, error);
      if (isNews) options.onUnkept(unkept);
    }
  }
}

function asRejection(error: unknown, paths: Paths): ReeveError {
  if (error instanceof ReeveError) return error;
  return new ReeveError('CONFIG_INVALID', `the config cannot be read: ${(error as Error).message}`, {
    cause: error,
    where: paths.configFile,
    hint: 'Check its owner and mode; `reeve config check` tries again.',
  });
}

/** Changes whenever the file's content may have. */
async function signatureOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs } = await stat(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch (error) {
    // A link to nothing, and what may not be looked at, are no valid config; what is not there is one.
    const isThere = await lstat(file).catch(() => null);
    const { code } = error as NodeJS.ErrnoException;
    return isThere === null && code === 'ENOENT' ? 'absent' : `unreadable: ${code}`;
  }
}
