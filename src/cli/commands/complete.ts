import { RootCommand } from '@bomb.sh/tab';
import type { Command } from 'commander';
import { ReeveError } from '../../errors.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import type { CliIo } from '../io.ts';
import { describeProgram, takesRuns } from '../completion.ts';
import type { Suggestion } from '../completion.ts';
import { commandLine } from '../format.ts';
import { openWorkplace } from '../open.ts';
import { buildProgram } from '../program.ts';
import { VERBS } from '../verbs.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[shell]', SHELLS.join(', '))
    .argument('[words...]')
    .usage('<shell>')
    .option('--json', 'print {shell, script}')
    .addHelpText('after', '\nFor instance in ~/.bashrc:  source <(reeve complete bash)')
    .action(async (shell: string | undefined, _words: readonly string[], options: { readonly json?: boolean }) => {
      const words = wordsToComplete(command);
      if (words !== null) return io.out(await suggestions(words, io));
      if (shell === undefined || !(SHELLS as readonly string[]).includes(shell))
        throw new ReeveError('USAGE', `there are completions for ${SHELLS.join(', ')}, not for "${shell ?? ''}"`, {
          hint: 'reeve complete bash',
        });
      const script = printed(() => new RootCommand().setup('reeve', 'reeve', shell));
      io.out(options.json ? `${JSON.stringify({ shell, script })}\n` : script);
    });
}

/** The command line so far, when a completion script asks: `reeve complete -- stop --gr`. Null when a person asks for a script. */
function wordsToComplete(command: Command): readonly string[] | null {
  // Commander takes `--` out of the arguments; what it was given is in a field that its types leave out.
  const { rawArgs = [] } = (command.parent ?? {}) as { readonly rawArgs?: readonly string[] };
  return rawArgs[1] === '--' ? rawArgs.slice(2) : null;
}

async function suggestions(words: readonly string[], io: CliIo): Promise<string> {
  const program = await buildProgram(io, { verbs: VERBS, load: true });
  const runs = takesRuns(program, words) ? await runSuggestions(io) : [];
  // tab takes the last word away when it is empty.
  return printed(() => describeProgram(program, runs).parse([...words]));
}

/** Names and ids of active runs. A completion never complains: without a store there is nothing to suggest. */
async function runSuggestions(io: CliIo): Promise<readonly Suggestion[]> {
  try {
    await using workplace = openWorkplace(io.env);
    const records = await (await workplace.store()).runs.list({ states: ACTIVE_STATES });
    return records.map(({ intent }) => ({
      value: intent.name ?? intent.id,
      description: commandLine(intent.command, intent.args),
    }));
  } catch {
    return [];
  }
}

/** What tab prints. It writes with console.log and offers no other way, so that is taken over for one synchronous call. */
function printed(act: () => void): string {
  const output: Pick<Console, 'log'> = globalThis.console;
  const original = output.log;
  let text = '';
  output.log = (line: string) => void (text += `${line}\n`);
  try {
    act();
  } finally {
    output.log = original;
  }
  return text;
}
