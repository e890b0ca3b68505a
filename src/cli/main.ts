import { useCompileCache } from '../host/compile-cache.ts';

useCompileCache(process.env);

const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2));
