import type { Command } from 'commander';
import type { CliIo } from './io.ts';

/** A verb: its line in `reeve --help`, and the module that is loaded only when the verb is used. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** What each file in `commands/` exports. */
export interface CommandModule {
  /** Builds the command with options and action; the action sets `io.exitCode` or throws a ReeveError. */
  define(command: Command, io: CliIo): Command;
}
