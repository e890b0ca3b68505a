import type { RunIntent } from '../runs/record.ts';
import { ANY } from './glob.ts';
import type { Limit } from './limit.ts';

/** The caps of a run's command line as limits of that run alone, each named by its option. */
export function capLimits({ caps, graceMs }: Pick<RunIntent, 'caps' | 'graceMs'>): readonly Limit[] {
  const limits: Limit[] = [];
  const none = { maxCostMicroUsd: null, maxTokens: null, maxMs: null };
  const base = {
    project: ANY,
    branch: ANY,
    agent: ANY,
    run: ANY,
    labels: {},
    period: 'run',
    per: 'project',
    warnAt: [],
    action: 'stop',
    graceMs,
    ...none,
  } as const satisfies Omit<Limit, 'name'>;
  if (caps.maxCostMicroUsd !== null) limits.push({ ...base, name: '--max-usd', maxCostMicroUsd: caps.maxCostMicroUsd });
  if (caps.maxTokens !== null) limits.push({ ...base, name: '--max-tokens', maxTokens: caps.maxTokens });
  if (caps.maxMs !== null) limits.push({ ...base, name: '--max-minutes', maxMs: caps.maxMs });
  return limits;
}
