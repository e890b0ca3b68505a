import { createLinuxProcesses } from '../../src/linux/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { testSignaller } from './signaller.contract.ts';

failOnLeaks();
testSignaller({ name: 'pidfd', create: createLinuxProcesses, module: 'linux/index.ts' });
