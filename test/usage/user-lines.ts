import fc from 'fast-check';

const PROMPT = { parentUuid: null, type: 'user', message: { role: 'user', content: 'go' }, uuid: 'u-1' };
const quoted = JSON.stringify(PROMPT);

const block = fc.oneof(
  fc.record({ type: fc.constant('text'), text: fc.oneof(fc.string(), fc.constant(quoted)) }),
  fc.record({ type: fc.constantFrom('image', 'document'), source: fc.jsonValue() }),
  fc.record({ tool_use_id: fc.string(), type: fc.constant('tool_result'), content: fc.jsonValue() }),
  fc.record({ type: fc.constant('tool_result'), content: fc.constant(quoted), tool_use_id: fc.string() }),
);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 4 });
/**
 * Lines of type `user`, and a few of others, as Claude Code lays them out: the type before the message, the message before everything that
 * may hold another line.
 */
export const userLine = fc.record({
  parentUuid: fc.option(fc.uuid()),
  isSidechain: fc.boolean(),
  agentId: maybe(fc.string()),
  type: fc.constantFrom('user', 'user', 'user', 'attachment', 'assistant'),
  message: fc.record({
    role: fc.constant('user'),
    content: fc.oneof(fc.string(), fc.constant(quoted), fc.array(block, { maxLength: 3 }), fc.jsonValue()),
  }),
  isMeta: maybe(fc.boolean()),
  isCompactSummary: maybe(fc.boolean()),
  uuid: maybe(fc.uuid()),
  toolUseResult: maybe(fc.oneof(fc.jsonValue(), fc.constant(PROMPT))),
  origin: maybe(fc.record({ kind: fc.constantFrom('human', 'peer') })),
});
