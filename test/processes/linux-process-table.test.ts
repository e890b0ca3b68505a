import { createLinuxProcesses } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { testProcessTable } from './process-table.contract.ts';

failOnLeaks();
testProcessTable('/proc', () => createLinuxProcesses().table);
