import { createPortableProcesses } from '../../src/portable/index.ts';
import { failOnLeaks } from '../rig/leaks.ts';
import { testSignaller } from './signaller.contract.ts';

failOnLeaks();
testSignaller({ name: 'kill', create: createPortableProcesses, module: 'portable/index.ts' }, { numRuns: 40 });
