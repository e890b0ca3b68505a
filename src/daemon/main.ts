import { enableCompileCache } from 'node:module';

enableCompileCache();
// Everything the daemon makes is its user's alone.
process.umask(0o077);

const { runDaemonProcess } = await import('./process.ts');
await runDaemonProcess();
