import type { Config } from '../config/config.ts';
import { expandHome } from '../config/convert.ts';
import { defaultConfig, parseConfig } from '../config/load.ts';
import { readConfigText } from './config-text.ts';
import { homeFolder } from './home-folder.ts';
import type { Paths } from './paths.ts';
import { realProjectGlob } from './project-glob.ts';

/**
 * The config in force: the file's, with `~` and links in its paths resolved, or the defaults when there is none.
 * @throws CONFIG_INVALID
 */
export async function loadConfig(
  paths: Pick<Paths, 'configFile'>,
  home: string = homeFolder(process.env),
): Promise<Config> {
  const text = readConfigText(paths.configFile);
  if (text === null) return defaultConfig();
  const config = expandHome(parseConfig(text, paths.configFile), home);
  return { ...config, limits: config.limits.map((limit) => ({ ...limit, project: realProjectGlob(limit.project) })) };
}
