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
    const exitCode = reportFailure(failure, io, json);
    io.exitCode ||= exitCode;
  };
  io.exitCode = await runVerb(args, io, json);
  await io.outputTaken();
  return io.exitCode;
}

async function runVerb(args: readonly string[], io: CliIo, json: boolean): Promise<number> {
  const used = VERBS.filter(({ name }) => name === args[0]);
  const program = await buildProgram(io, { verbs: used.length > 0 ? used : VERBS, load: used.length > 0, json });
  try {
    await program.parseAsync(args, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    return reportFailure(error, io, json);
  }
}

/**
 * The program with these verbs, if `load` with their options and actions.
 * @param options.json messages about wrong usage are left to the caller, who prints them as JSON
 */
export async function buildProgram(
  io: CliIo,
  options: { readonly verbs: readonly CommandEntry[]; readonly load: boolean; readonly json: boolean },
): Promise<Command> {
  const program = new Command('reeve')
    .description('keeps AI coding agents owned, within budget, alone in their worktree, and killable')
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(text),
      outputError: (text, write) => {
        if (!options.json) write(text.replace(/^error: /u, 'reeve: '));
      },
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

function reportFailure(thrown: unknown, io: CliIo, json: boolean): number {
  const error = isCwdGone(thrown) ? cwdGone(thrown) : thrown;
  if (error instanceof CommanderError) {
    // Help and version arrive as errors with exit code 0; the rest is wrong usage, which commander has explained already.
    if (error.exitCode === 0) return 0;
    const message = error.message.replace(/^error: /u, '');
    if (json) printJsonError(io, { code: 'USAGE', message, hint: 'see `reeve --help`', where: null });
    return 2;
  }
  const expected = error instanceof ReeveError ? error : systemError(error);
  if (expected === null) throw error;
  const { code, message, hint, where } = expected;
  if (json) printJsonError(io, { code, message, hint, where });
  else io.err(errorText(expected));
  return expected.exitCode;
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
