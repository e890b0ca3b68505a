import fc from 'fast-check';

const PROMPT = { parentUuid: null, type: 'user', message: { role: 'user', content: 'go' }, uuid: 'u-1' };
const quoted = JSON.stringify(PROMPT);

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: fc.oneof(fc.string(), fc.constant(quoted)) }),
  fc.record({ type: fc.constantFrom('image', 'document'), source: fc.jsonValue() }),
  fc.record({ tool_use_id: fc.string(), type: fc.constant('tool_result'), content: fc.jsonValue() }),
  fc.record({ type: fc.constant('tool_result'), content: fc.constant(quoted), tool_use_id: fc.string() }),
);
/** Rarely there: each of these alone makes a line no prompt, and many of the lines should be one. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/**
 * Lines of type `user`, and a few of others, as Claude Code lays them out: the type before the message, the message before everything that
 * may hold another line.
 */
export const userLine = fc.record({
  parentUuid: fc.option(fc.uuid()),
  isSidechain: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  agentId: rarely(fc.string()),
  type: fc.constantFrom('user', 'user', 'user', 'attachment', 'assistant'),
  message: fc.record({
    role: fc.constant('user'),
    content: fc.oneof(fc.string(), fc.constant(quoted), fc.array(block, { maxLength: 3 }), fc.jsonValue()),
  }),
  isMeta: rarely(fc.boolean()),
  isCompactSummary: rarely(fc.boolean()),
  uuid: fc.oneof({ weight: 9, arbitrary: fc.uuid() }, { weight: 1, arbitrary: fc.constant(undefined) }),
  toolUseResult: rarely(fc.oneof(fc.jsonValue(), fc.constant(PROMPT))),
  origin: rarely(fc.record({ kind: fc.constantFrom('human', 'peer') })),
});
