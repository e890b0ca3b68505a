import type { LiveRun, Spend } from './facts.ts';

/** One place as limits see it. */
export type Face = Pick<Spend, 'branch' | 'agent'> & { readonly project: string };

/**
 * The places in which a live run is: the project it was started in, on the branch that is checked out now, and the project in which
 * it last spent when that is another one, so that `cd` is no way out of that project's limits.
 */
export function faces(run: LiveRun, own: readonly Spend[]): readonly Face[] {
  const { project } = run.record.intent;
  const last = own.reduce<Spend | null>(
    (latest, row) => (latest === null || row.lastAt > latest.lastAt ? row : latest),
    null,
  );
  const home = agentsOf(run, own).map((agent): Face => ({ project, branch: run.branch, agent }));
  if (last === null || last.project === null || last.project === project) return home;
  return [...home, { project: last.project, branch: last.branch, agent: last.agent }];
}

/** The kind of the command itself, and the kinds that a script started as the command has spent as. */
export function agentsOf(run: LiveRun, own: readonly Spend[]): readonly (string | null)[] {
  return [...new Set([run.record.intent.agent, ...own.map((row) => row.agent)])];
}
