import type { Command } from 'commander';
import { acquireClaim } from '../../claims/acquire.ts';
import { claimNotHeld } from '../../claims/claim-errors.ts';
import { CLAIM_VARIABLE } from '../../claims/claim.ts';
import { verifyClaim } from '../../claims/inspect.ts';
import { ReeveError } from '../../errors.ts';
import { handHolder, openClaims, placeTyped, runsAround } from '../claim-ports.ts';
import { emit, type CliIo } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { defaultRunOptions, named, parseWaitMs, toRunRequest } from '../run-options.ts';
import { runAsShim } from './run.ts';

interface ClaimOptions {
  readonly cwd?: string;
  readonly session?: string;
  readonly wait?: string;
  readonly pid?: string;
  readonly json?: boolean;
}

export function define(command: Command, io: CliIo): Command {
  command
    .command('verify')
    .summary(
      'pass if a token is the one in force, else end with 73: for hooks and tools that must refuse a superseded agent',
    )
    .argument('[token]', `the token; ${CLAIM_VARIABLE} without it`)
    .option('--cwd <folder>', 'any folder of the worktree')
    .option('--json', 'print {worktree, token}')
    .action(async (token: string | undefined, _: unknown, verify: Command) =>
      verifyToken(token, verify.optsWithGlobals<ClaimOptions>(), io),
    );

  return command
    .usage('[options] [folder] | [options] -- <command> [args...]')
    .argument('[words...]', 'the folder; or after --, a command that is run under the claim')
    .option('--cwd <folder>', 'any folder of the worktree to claim')
    .option('--session <id>', "the agent's session")
    .option('--wait <time>', 'queue for it, such as 5m')
    .option(
      '--pid <pid>',
      'process that holds it by hand: the claim ends with that and all that descends from it',
      undefined,
    )
    .option('--json', 'print {worktree, token, joined}')
    .addHelpText(
      'after',
      '\nBy hand the claim is held by whoever called reeve, such as a shell, until it ends or `reeve release`; the token is printed.',
    )
    .action(async (words: readonly string[], options: ClaimOptions) => {
      const [first, ...rest] = words;
      if (first !== undefined && isAfterDashes(command)) return runUnderClaim([first, ...rest], options, io);
      if (rest.length > 0)
        throw new ReeveError('USAGE', 'a claim is on one worktree', { hint: 'put -- before a command' });
      await claimByHand(first ?? options.cwd, options, io);
    });
}

/** commander drops the `--` from the words that it hands on, and keeps it here. */
function isAfterDashes(command: Command): boolean {
  const root = command.parent as unknown as { readonly rawArgs: readonly string[] };
  return root.rawArgs.includes('--');
}

/** As flock(1) does, for a whole tree: the claim is given back when nothing of the command lives any more. */
async function runUnderClaim([word, ...args]: [string, ...string[]], options: ClaimOptions, io: CliIo): Promise<void> {
  const { cwd, session, wait = '0s' } = options;
  const given = { wait, ...(cwd === undefined ? {} : { cwd }), ...(session === undefined ? {} : { session }) };
  const request = toRunRequest(
    { command: word, args },
    { ...defaultRunOptions(), ...given },
    { io, startedByPid: process.ppid },
  );
  await runAsShim(request, io);
}

async function claimByHand(folder: string | undefined, options: ClaimOptions, io: CliIo): Promise<void> {
  await using workplace = openWorkplace(io.env);
  const ports = await openClaims(workplace);
  const place = placeTyped(ports, folder, io);
  const { token, joined } = await acquireClaim(ports, {
    place,
    holder: handHolder(ports, options.pid === undefined ? process.ppid : pidOf(options.pid)),
    session: options.session === undefined ? null : named('--session', options.session),
    insideOf: runsAround(io),
    waitMs: options.wait === undefined ? 0 : parseWaitMs(options.wait),
    onWait: (line) => io.err(`reeve: waiting: ${line}\n`),
  });
  if (place.apart !== null) io.err(`reeve: the claim lies in ${place.file}, because ${place.apart}\n`);
  emit(io, options, { worktree: place.worktree, token, joined }, () => `${token}\n`);
}

async function verifyToken(word: string | undefined, options: ClaimOptions, io: CliIo): Promise<void> {
  const text = word ?? io.env[CLAIM_VARIABLE] ?? '';
  if (!/^\d{1,15}$/.test(text))
    throw new ReeveError('USAGE', `a token is a number, not "${text}"`, {
      hint: `agents find theirs in ${CLAIM_VARIABLE}`,
    });
  await using workplace = openWorkplace(io.env);
  const ports = await openClaims(workplace);
  const place = placeTyped(ports, options.cwd, io);
  const { verdict, record } = await verifyClaim(ports, place, Number(text), runsAround(io));
  if (verdict !== 'current') throw claimNotHeld(place, record, workplace.clock.now());
  emit(io, options, { worktree: place.worktree, token: record.token }, () => '');
}

function pidOf(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new ReeveError('USAGE', `--pid is a process id, not "${text}"`);
  return Number(text);
}
