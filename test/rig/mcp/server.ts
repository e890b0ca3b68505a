/**
 * A minimal MCP server over stdio, as agents start them: `node server.ts polite|stubborn <marker>`. The polite one ends on any signal
 * and when its input ends; the stubborn one ignores TERM, HUP and INT and the end of its input, like servers met in the wild.
 * The marker only makes its command line findable.
 */
import { createInterface } from 'node:readline';

interface JsonRpcMessage {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: { readonly protocolVersion?: string };
}

const manners = process.argv[2];

if (manners === 'stubborn') {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.on(signal, () => {});
  setInterval(() => {}, 60_000);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line) as JsonRpcMessage;
  // Notifications carry no id and get no answer (JSON-RPC 2.0, section 4.1).
  if (message.id === undefined) return;
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id: message.id, ...reply(message) })}\n`);
});
// Its client may be dead by the time it answers: that must not end the stubborn one.
process.stdout.on('error', () => {});

function reply(message: JsonRpcMessage): { readonly result: unknown } | { readonly error: unknown } {
  switch (message.method) {
    case 'initialize':
      return {
        result: {
          protocolVersion: message.params?.protocolVersion ?? '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: `reeve-test-${manners}`, version: '1.0.0' },
        },
      };
    case 'tools/list':
      return {
        result: {
          tools: [{ name: 'nothing', description: 'Does nothing.', inputSchema: { type: 'object', properties: {} } }],
        },
      };
    case 'ping':
      return { result: {} };
    default:
      return { error: { code: -32601, message: `no method ${message.method}` } };
  }
}
