import { useCompileCache } from '../host/compile-cache.ts';

useCompileCache(process.env);
// Everything the daemon makes is its user's alone.
process.umask(0o077);

const { runDaemonProcess } = await import('./process.ts');
await runDaemonProcess();
