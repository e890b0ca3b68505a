import type { LogProblem } from '../usage/ports.ts';
import { plain } from './format.ts';
import type { CliIo } from './io.ts';

/** Names each place in the logs that could not be read: what stands there is missing from the figures. */
export function tellLogProblems(io: Pick<CliIo, 'err'>, problems: readonly LogProblem[]): void {
  for (const { file, offset, message } of problems)
    io.err(`reeve: ${plain(`${offset === null ? file : `${file} at byte ${offset}`}: ${message}`)}\n`);
}
