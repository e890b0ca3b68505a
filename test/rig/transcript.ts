import type { TestContext } from 'node:test';

/** A command of a test, and what became of it. */
export interface ToldCommand {
  readonly args: readonly string[];
  readonly exitCode: number | null;
  readonly signal?: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More of one stream tells nobody anything. */
const MAX_CHARACTERS = 2_000;

/**
 * Keeps what the commands of a test said, and prints it when the test has failed: an assertion on an exit code alone leaves nothing to
 * find the cause by. The runner shows with each failure what its file has printed.
 */
export function keepTranscript(t: TestContext): (command: ToldCommand) => void {
  const told: string[] = [];
  t.after(() => {
    // Not in Node's types yet: https://nodejs.org/api/test.html#contextpassed
    if (!(t as TestContext & { readonly passed: boolean }).passed)
      process.stderr.write(`commands of "${t.name}", as they ended:\n${told.join('')}`);
  });
  return ({ args, exitCode, signal, stdout, stderr }) => {
    const end = exitCode === null ? `ended by ${signal ?? 'a signal'}` : `exit ${exitCode}`;
    told.push(`$ reeve ${args.join(' ')}: ${end}\n${shortened(stdout)}${shortened(stderr)}`);
  };
}

function shortened(text: string): string {
  if (text === '') return '';
  const shown = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}…` : text;
  return shown.trimEnd().replaceAll(/^/gmu, '  ').concat('\n');
}
