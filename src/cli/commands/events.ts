import type { Command } from 'commander';
import type { Event } from '../../events.ts';
import { streamEvents } from '../../host/event-stream.ts';
import { ACTIVE_STATES } from '../../runs/lifecycle.ts';
import { renderEvent, toEventJson } from '../event-text.ts';
import { findRun } from '../find-run.ts';
import { plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import { openWorkplace } from '../open.ts';
import { wholeNumber } from '../whole-number.ts';

interface EventsOptions {
  readonly follow?: boolean;
  readonly last?: string;
  readonly output: boolean;
  readonly json?: boolean;
}

/** As tail(1): enough to see where one is. */
const LAST_WHEN_FOLLOWING = 10;

export function define(command: Command, io: CliIo): Command {
  return command
    .argument('[run]', 'id, unique prefix or name: only what is about this run')
    .option('-f, --follow', 'go on with what happens from now on, output of background runs included')
    .option('-n, --last <count>', 'how many past events come first; all without --follow, else 10')
    .option('--no-output', 'leave output out')
    .option('--json', 'one JSON object per line')
    .action(async (word: string | undefined, options: EventsOptions) => {
      const follow = options.follow === true;
      const last =
        options.last === undefined ? (follow ? LAST_WHEN_FOLLOWING : Infinity) : wholeNumber('--last', options.last);
      await using workplace = openWorkplace(io.env);
      const runId = word === undefined ? null : (await findRun((await workplace.store()).runs, word)).intent.id;
      const events = streamEvents({
        paths: workplace.paths,
        clock: workplace.clock,
        last,
        follow,
        about: runId,
        activeRuns: options.output ? activeRuns : null,
        onUnreadable: (line) => io.err(`reeve: a line of the log is no event: ${plain(line.slice(0, 200))}\n`),
      });
      const print = (event: Event): void =>
        io.out(options.json ? `${JSON.stringify(toEventJson(event))}\n` : `${renderEvent(event, io.color)}\n`);
      for await (const event of events) print(event);

      async function activeRuns() {
        const { runs } = await workplace.store();
        return (await runs.list({ states: ACTIVE_STATES })).map(({ intent }) => intent.id);
      }
    });
}
