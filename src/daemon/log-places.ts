import type { Config } from '../config/config.ts';
import { homeFolder } from '../host/home-folder.ts';
import { claudeConfigDirs } from '../usage/claude/discover.ts';
import type { LogRoots } from './log-roots.ts';

/** Where this user's agents log, and how what they log is priced, as the config and the environment say. */
export function logPlacesOf({ agents, prices }: Config, env: NodeJS.ProcessEnv): Parameters<LogRoots['configure']>[0] {
  const configured = agents['claude']?.logs ?? null;
  return {
    folders: claudeConfigDirs({ env, home: homeFolder(env), configured }),
    unknownModel: prices.unknownModel,
  };
}
