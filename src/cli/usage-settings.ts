import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { systemZone, zoneDoubt } from '../config/zone.ts';
import { ReeveError } from '../errors.ts';
import { readConfigText } from '../host/config-text.ts';
import { homeFolder } from '../host/home-folder.ts';
import type { Paths } from '../host/paths.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';

/** What the config says about usage. */
export interface UsageSettings {
  readonly calendar: Config['calendar'];
  /** What to say about the zone; null when it is what was asked for. */
  readonly zoneDoubt: string | null;
  readonly unknownModel: Config['prices']['unknownModel'];
  /** Claude Code's config folders, absolute. */
  readonly claudeDirs: readonly string[];
}

/**
 * Reads the settings. Without a config file the defaults are taken from here, not from the schema: loading the validator would cost
 * half as much again as the whole command. A test keeps the two in step.
 * @throws CONFIG_INVALID
 */
export async function usageSettings(paths: Paths, env: NodeJS.ProcessEnv): Promise<UsageSettings> {
  const config = readConfigText(paths.configFile) === null ? null : await readConfig(paths);
  const dirs = claudeConfigDirs({
    env,
    home: homeFolder(env),
    configured: config?.agents['claude']?.logs ?? null,
  });
  return {
    calendar: config?.calendar ?? { timeZone: systemZone(), weekStart: 'monday' },
    zoneDoubt: (config?.isSystemZone ?? true) ? zoneDoubt(env['TZ']) : null,
    unknownModel: config?.prices.unknownModel ?? 'highest',
    claudeDirs: dirs.map((dir) => resolve(dir)),
  };
}

async function readConfig(paths: Paths): Promise<Config> {
  const { loadConfig } = await import('../host/config-file.ts');
  return loadConfig(paths);
}

/** The zone in which times are told; the machine's while the config is invalid, because what is asked for is something else. */
export async function toldZone(paths: Paths, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    return (await usageSettings(paths, env)).calendar.timeZone;
  } catch (error) {
    if (error instanceof ReeveError && error.code === 'CONFIG_INVALID') return systemZone();
    throw error;
  }
}
