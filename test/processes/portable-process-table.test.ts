import { createPortableProcesses } from '../../src/portable/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { testProcessTable } from './process-table.contract.ts';

failOnLeaks();
testProcessTable('ps and lsof', () => createPortableProcesses().table, { execLooks: 100, passes: 30 });
