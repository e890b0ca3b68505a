import type { Lockout } from '../../src/limits/lockout.ts';
import { NOON } from './build.ts';

export function lockoutOf(given: Partial<Lockout> = {}): Lockout {
  return {
    limit: 'daily',
    project: '/w/app',
    branch: null,
    agent: null,
    selects: { project: '*', branch: '*', agent: '*', run: '*', labels: {} },
    action: 'stop',
    period: 'daily',
    reason: 'budget limit exceeded ($5.01/$5.00)',
    capMicroUsd: 5_000_000,
    currentMicroUsd: 5_010_000,
    capTokens: null,
    currentTokens: null,
    lockedAt: NOON,
    expiresAt: NOON + 3_600_000,
    ...given,
  };
}
