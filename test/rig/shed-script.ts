import { bashTurn, sayTurn, type Script } from './fake-api/script.ts';

/** What {@link SHED_SCRIPT} answers to. */
export const SHED_PROMPT = 'paint the shed';

/**
 * A conversation that meets the traps of Claude Code's logs: several blocks in one answer (one line each, the usage on every line), both
 * cache lifetimes, a subagent with a log of its own, and turns for a resume and a fork. Played as a run, a resume and a fork, it has seven
 * answers: five of the agent, two of its subagent.
 */
export const SHED_SCRIPT: Script = [
  {
    prompt: SHED_PROMPT,
    turns: [
      {
        blocks: [
          { type: 'thinking', thinking: 'two brushes, one helper' },
          { type: 'text', text: 'I start.' },
          { type: 'tool_use', name: 'Bash', input: { command: 'echo one', description: 'one' } },
          { type: 'tool_use', name: 'Bash', input: { command: 'echo two', description: 'two' } },
        ],
        usage: { input: 11, output: 222, cacheWrite5m: 3_300, cacheWrite1h: 44, cacheRead: 5_555 },
      },
      {
        blocks: [
          {
            type: 'tool_use',
            name: 'Task',
            input: { description: 'count', prompt: 'count the boards', subagent_type: 'general-purpose' },
          },
        ],
        usage: { input: 7, output: 70, cacheRead: 9_000 },
      },
      sayTurn('painted', { input: 3, output: 33, cacheRead: 9_100 }),
      sayTurn('painted again', { input: 5, output: 55, cacheWrite1h: 1_234, cacheRead: 9_200 }),
      sayTurn('painted once more', { input: 6, output: 66, cacheRead: 10_400 }),
    ],
  },
  {
    prompt: 'count the boards',
    turns: [
      bashTurn('echo 12 boards', { input: 100, output: 10, cacheWrite5m: 1_000 }),
      sayTurn('12', { input: 101, output: 11 }),
    ],
  },
];
