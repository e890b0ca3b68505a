import { limitsAtAGlance } from '../config/glance.ts';
import { readConfigText } from './config-text.ts';
import type { Paths } from './paths.ts';

/**
 * Whether the config has limits, or may have: then the daemon has the last word, which also knows the last valid config where this one is
 * invalid. Reading TOML takes several times as long as all the rest of a start, so that only a text that leaves a doubt is read here.
 * @throws CONFIG_INVALID for a file that cannot be read
 */
export async function hasConfiguredLimits(paths: Pick<Paths, 'configFile'>): Promise<boolean> {
  const text = readConfigText(paths.configFile);
  const seen = text === null ? 'none' : limitsAtAGlance(text);
  if (text === null || seen !== 'unknown') return seen === 'some';
  const { checkConfig } = await import('../config/load.ts');
  const check = checkConfig(text, paths.configFile);
  return !check.valid || check.config.limits.length > 0;
}
