import { bashTurn, sayTurn, type Script, type ScriptedTurn, type ScriptedUsage } from './fake-api/script.ts';

/** What the scripts of this file answer to. */
export const TREE_PROMPT = 'paint the shed';
const SUBAGENT_PROMPT = 'count the boards';

/**
 * The tool call that shows whether a stop is a stop: a foreground child, a background one, one in a session of its own whose parent is
 * gone at once, and one that ignores HUP. The durations carry the scratch's number, so that command lines are unique.
 */
export function treeToolCall(mark: string): string {
  return [
    `sleep 300.${mark} &`,
    `(setsid sleep 301.${mark} &) ;`,
    `nohup sleep 303.${mark} >/dev/null 2>&1 &`,
    `sleep 302.${mark}`,
  ].join(' ');
}

/** An agent that makes the tool call, and would then be done. */
export function treeScript(
  mark: string,
  usage: ScriptedUsage = { input: 1_000, output: 200, cacheRead: 5_000 },
): Script {
  return [{ prompt: TREE_PROMPT, turns: [bashTurn(treeToolCall(mark), usage), sayTurn('painted', usage)] }];
}

/** Each answer of {@link breachScript} costs 16,667.5 micro-dollars, 16,668 rounded: the third goes over five cents by four. */
export const BREACH_USAGE: ScriptedUsage = {
  input: 100,
  output: 500,
  cacheWrite5m: 400,
  cacheWrite1h: 100,
  cacheRead: 335,
};
export const BREACH_ANSWER_MICRO_USD = 16_668;
export const BREACH_ANSWERS = 3;

/**
 * An agent that starts a subagent in the background and makes the tool call itself; the subagent's first answer, which goes over a cap of
 * $0.05, comes when `treeIsUp` resolves. So the breach always finds the whole tree, and it is a subagent's.
 */
export function breachScript(mark: string, treeIsUp: Promise<void>): Script {
  const subagent: ScriptedTurn = {
    blocks: [
      {
        type: 'tool_use',
        name: 'Task',
        input: {
          description: 'count',
          prompt: SUBAGENT_PROMPT,
          subagent_type: 'general-purpose',
          run_in_background: true,
        },
      },
    ],
    usage: BREACH_USAGE,
  };
  return [
    { prompt: TREE_PROMPT, turns: [subagent, bashTurn(treeToolCall(mark), BREACH_USAGE)] },
    { prompt: SUBAGENT_PROMPT, turns: [{ ...bashTurn(`sleep 304.${mark}`, BREACH_USAGE), before: () => treeIsUp }] },
  ];
}
