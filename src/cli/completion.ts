import { RootCommand } from '@bomb.sh/tab';
import type { Command as TabCommand } from '@bomb.sh/tab';
import type { Command } from 'commander';

/** A value, and what the shell shows beside it. */
export interface Suggestion {
  readonly value: string;
  readonly description: string;
}

/** Arguments with these names stand for runs, in every verb. */
const RUN_ARGUMENTS = ['run', 'scope'];

/** True when the verb of this command line takes runs as arguments. */
export function takesRuns(program: Command, words: readonly string[]): boolean {
  const verb = program.commands.find((command) => command.name() === words[0]);
  return verb?.registeredArguments.some((argument) => RUN_ARGUMENTS.includes(argument.name())) ?? false;
}

/** Describes the program to tab, which knows the shells. `runs` are suggested where a run is expected. */
export function describeProgram(program: Command, runs: readonly Suggestion[]): RootCommand {
  const root = new RootCommand();
  describeOptions(root, program);
  describeCommands(root, program, '', runs);
  return root;
}

function describeCommands(root: RootCommand, parent: Command, path: string, runs: readonly Suggestion[]): void {
  for (const command of parent.createHelp().visibleCommands(parent)) {
    // Commander's own; `--help` says the same.
    if (command.name() === 'help') continue;
    const name = path === '' ? command.name() : `${path} ${command.name()}`;
    const described = root.command(name, command.summary() || command.description());
    describeOptions(described, command);
    for (const argument of command.registeredArguments) {
      const values = RUN_ARGUMENTS.includes(argument.name()) ? runs : toSuggestions(argument.argChoices);
      described.argument(argument.name(), (add) => addAll(add, values), argument.variadic);
    }
    describeCommands(root, command, name, runs);
  }
}

function describeOptions(described: TabCommand, command: Command): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.replace(/^--/u, '');
    if (name === undefined) continue;
    const short = option.short?.replace(/^-/u, '');
    // A handler tells tab that the option takes a value.
    if (option.required || option.optional)
      described.option(name, option.description, (add) => addAll(add, toSuggestions(option.argChoices)), short);
    else described.option(name, option.description, short);
  }
}

function toSuggestions(choices: readonly string[] | undefined): readonly Suggestion[] {
  return (choices ?? []).map((value) => ({ value, description: '' }));
}

function addAll(add: (value: string, description: string) => void, suggestions: readonly Suggestion[]): void {
  for (const { value, description } of suggestions) add(value, description);
}
