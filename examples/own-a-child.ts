/** Owns a child process of this program, with everything that it starts. */
import { createService } from 'reeve';

await using service = createService();

// A "dev server" that is ready in an instant, and starts a helper in a session of its own: no signal to the server reaches that one.
const script = 'setsid sleep 1000 & echo ready; wait';
const lines = service.events();
const server = await service.start({ command: 'sh', args: ['-c', script], graceMs: 2_000 });

for await (const event of lines) if (event.type === 'output' && event.line === 'ready') break;
console.log('the server is ready');

const receipt = await service.kill(server.id);
console.log(
  `signalled ${receipt.signalled.length}, survivors ${receipt.survivors.length}, proven empty: ${receipt.provenEmpty}`,
);

const { state, endReason } = await service.wait(server.id);
console.log(`${state} (${endReason})`);
