import { useCompileCache } from '../host/compile-cache.ts';

useCompileCache(process.env);

const { runOrder } = await import('./order.ts');
await runOrder();
