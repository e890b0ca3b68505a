import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { checkConfig } from '../../config/load.ts';
import { configInvalid } from '../../config/problem.ts';
import { configJsonSchema } from '../../config/schema.ts';
import { readConfigText } from '../../host/config-text.ts';
import { resolvePaths } from '../../host/paths.ts';
import { count } from '../format.ts';
import type { CliIo } from '../io.ts';
import { emit } from '../io.ts';

interface JsonOption {
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  const { configFile } = resolvePaths(io.env);

  command
    .command('path')
    .summary('where the config is looked for')
    .option('--json', 'print {path, exists}')
    .action((options: JsonOption) => {
      emit(io, options, { path: configFile, exists: existsSync(configFile) }, ({ path }) => `${path}\n`);
    });

  command
    .command('check')
    .summary('everything that is wrong with the config, at once (exit 2)')
    .option('--json', 'print {path, exists, valid, problems}')
    .action((options: JsonOption) => {
      const text = readConfigText(configFile);
      const check = checkConfig(text ?? '', configFile);
      if (!check.valid && options.json !== true) throw configInvalid(configFile, check.problems);
      const problems = check.valid ? [] : check.problems;
      if (!check.valid) io.exitCode = 2;
      const limits = check.valid ? check.config.limits.length : 0;
      const result = { path: configFile, exists: text !== null, valid: check.valid, limits, problems };
      emit(io, options, result, () =>
        text === null
          ? `no config: ${configFile} does not exist\n`
          : `${configFile} is valid: ${count(limits, 'limit')}\n`,
      );
    });

  command
    .command('schema')
    .summary('the JSON Schema of the config, for editors')
    .option('--json', 'the same: it is JSON either way')
    .action(() => io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`));

  return command;
}
