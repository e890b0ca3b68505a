import { isatty } from 'node:tty';
import { Command, CommanderError } from 'commander';
import { ReeveError } from '../errors.ts';
import { version } from '../version.ts';
import type { CliIo } from './io.ts';
import { VERBS } from './verbs.ts';

/** Runs one command line and resolves to its exit code. Only the verb that is used is loaded. */
export async function runCli(args: readonly string[], io: CliIo = processIo()): Promise<number> {
  const program = new Command('reeve')
    .description('keeps AI coding agents owned, within budget, alone in their worktree, and killable')
    .version(version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text), writeErr: (text) => io.err(text) });
  const wanted = VERBS.find((verb) => verb.name === args[0]);
  for (const verb of VERBS) {
    const command = program.command(verb.name).summary(verb.summary).description(verb.summary).exitOverride();
    if (verb === wanted) (await verb.load()).define(command, io);
    else command.allowUnknownOption();
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    return reportFailure(
      error,
      io,
      args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json'),
    );
  }
}

function reportFailure(error: unknown, io: CliIo, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (!(error instanceof ReeveError)) throw error;
  const { code, message, hint, where } = error;
  if (json) io.err(`${JSON.stringify({ error: { code, message, hint, where } })}\n`);
  else {
    const place = where === null ? '' : `\n  at ${where}`;
    const remedy = hint === null ? '' : `\n  ${hint}`;
    io.err(`reeve: ${message} [${code}]${place}${remedy}\n`);
  }
  return error.exitCode;
}

function processIo(): CliIo {
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdoutIsTerminal: isatty(1),
    stderrIsTerminal: isatty(2),
    color: isatty(1) && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    exitCode: 0,
  };
}
