import { Command, CommanderError } from 'commander';
import { ReeveError } from '../errors.ts';
import { systemError } from '../system-error.ts';
import { version } from '../version.ts';
import type { CommandEntry } from './command.ts';
import { errorText } from './error-text.ts';
import { isCwdGone, type CliIo } from './io.ts';
import { createProcessIo } from './process-io.ts';
import { VERBS } from './verbs.ts';

/** Runs one command line and resolves to its exit code. Only the verb that is used is declared and loaded. */
export async function runCli(args: readonly string[], io: CliIo = createProcessIo()): Promise<number> {
  const json = ownOptions(args).includes('--json');
  io.onOutputFailure = (failure) => {
    // Said in any case; what the exit code says already weighs more.
    const exitCode = reportFailure(failure, { io, json, verb: args[0] });
    io.exitCode ||= exitCode;
  };
  io.exitCode = await runVerb(args, io, json);
  await io.outputTaken();
  return io.exitCode;
}

async function runVerb(args: readonly string[], io: CliIo, json: boolean): Promise<number> {
  const used = VERBS.filter(({ name }) => name === args[0]);
  const program = await buildProgram(io, { verbs: used.length > 0 ? used : VERBS, load: used.length > 0 });
  try {
    await program.parseAsync(args, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    return reportFailure(error, { io, json, verb: used[0]?.name });
  }
}

/** The program with these verbs, if `load` with their options and actions. What is wrong usage it throws, and does not print. */
export async function buildProgram(
  io: CliIo,
  options: { readonly verbs: readonly CommandEntry[]; readonly load: boolean },
): Promise<Command> {
  const program = new Command('reeve')
    .description('keeps AI coding agents owned, within budget, alone in their worktree, and killable')
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: () => {},
    });
  for (const verb of options.verbs) {
    const command = program.command(verb.name).summary(verb.summary).description(verb.summary);
    if (options.load) (await verb.load()).define(command, io);
    else command.allowUnknownOption();
  }
  return program;
}

/** What is meant for reeve itself: after `--` begins the command to run. */
function ownOptions(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}

interface Failing {
  readonly io: CliIo;
  readonly json: boolean;
  /** Undefined: none that there is. */
  readonly verb: string | undefined;
}

function reportFailure(thrown: unknown, { io, json, verb }: Failing): number {
  // Help and version arrive as errors with exit code 0; help that nobody has asked for, because a word is missing, is explanation enough.
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  if (thrown instanceof CommanderError && thrown.code === 'commander.help') return 2;
  const error =
    thrown instanceof CommanderError ? usageError(thrown, verb) : isCwdGone(thrown) ? cwdGone(thrown) : thrown;
  const expected = error instanceof ReeveError ? error : systemError(error);
  if (expected === null) throw error;
  const { code, message, hint, where } = expected;
  if (json) printJsonError(io, { code, message, hint, where });
  else io.err(errorText(expected));
  return expected.exitCode;
}

/** Verbs that are given a command line of somebody else's. */
const COMMAND_VERBS: readonly (string | undefined)[] = ['run', 'start', 'register', 'claim'];

/** What commander says: a sentence, and in a line of its own what may have been meant. */
function usageError({ message, code }: CommanderError, verb: string | undefined): ReeveError {
  const [text = '', meant] = message.replace(/^error: /u, '').split('\n');
  const help = verb === undefined ? 'see `reeve --help`' : `see \`reeve ${verb} --help\``;
  const isCommands = code === 'commander.unknownOption' && COMMAND_VERBS.includes(verb);
  const hint =
    meant?.replace(/^\((.*)\)$/u, '$1') ?? (isCommands ? `put -- before the command that it is for; ${help}` : help);
  return new ReeveError('USAGE', text, { hint });
}

function cwdGone(cause: unknown): ReeveError {
  return new ReeveError('FOLDER_NOT_FOUND', 'the folder that reeve is called from is gone', {
    hint: 'change to a folder that exists, or name absolute paths (--cwd)',
    cause,
  });
}

function printJsonError(io: CliIo, error: Pick<ReeveError, 'code' | 'message' | 'hint' | 'where'>): void {
  io.err(`${JSON.stringify({ error })}\n`);
}
