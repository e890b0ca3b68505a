import { createMemoryStore } from '../../src/store/memory/open.ts';
import { describeClaimStore } from '../contracts/claim-store.ts';
import { describeLedgerStore } from '../contracts/ledger-store.ts';
import { describeLedgerTurns } from '../contracts/ledger-turns.ts';
import { describeLockoutStore } from '../contracts/lockout-store.ts';
import { describeRunStore } from '../contracts/run-store.ts';

const open = async () => createMemoryStore();

describeRunStore('memory', open);
describeLedgerStore('memory', open);
describeLedgerTurns('memory', open);
describeLockoutStore('memory', open);
describeClaimStore('memory', open);
