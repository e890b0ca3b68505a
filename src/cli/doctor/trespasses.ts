import { describeSession, type AgentProcess, type SessionFinder } from '../../claims/agent-session.ts';
import type { ClaimPorts } from '../../claims/acquire.ts';
import { describeHolder } from '../../claims/claim-errors.ts';
import { agentsInSight, surveyAgents, type SurveyPorts } from '../../claims/survey.ts';
import type { PlacedAgent, Trespass } from '../../claims/trespass.ts';
import { ReeveError } from '../../errors.ts';
import { createAgentSessions } from '../../host/agent-sessions.ts';
import { homeFolder } from '../../host/home-folder.ts';
import { agentKindOf } from '../../processes/kinds.ts';
import { createUnsupervisedWatch } from '../../runs/unsupervised.ts';
import { claudeConfigDirs } from '../../usage/claude/discover.ts';
import { plain } from '../format.ts';
import type { CliIo } from '../io.ts';
import type { Workplace } from '../open.ts';
import { usageSettings } from '../usage-settings.ts';
import { finding, type Finding } from './finding.ts';

/** Every agent that lives and can be seen into, whoever started it. */
export function agentsAround({ table, uid }: ClaimPorts): readonly AgentProcess[] {
  const kindOf = ({ argv, exe }: { readonly argv: readonly string[] | null; readonly exe: string | null }) =>
    agentKindOf(argv ?? [], exe);
  return createUnsupervisedWatch({ table, uid: agentsInSight(uid), kindOf }).look([]);
}

/** What tells the sessions of agents. A config that cannot be read is another finding's business. */
export async function openSessions({ paths, clock, processes }: Workplace, io: CliIo): Promise<SessionFinder> {
  const { table } = await processes();
  const dirs = await configuredDirs();
  return createAgentSessions({ table, clock, configDirs: () => dirs });

  async function configuredDirs(): Promise<readonly string[]> {
    try {
      return (await usageSettings(paths, io.env)).claudeDirs;
    } catch (error) {
      if (!(error instanceof ReeveError)) throw error;
      return claudeConfigDirs({ env: io.env, home: homeFolder(io.env), configured: null });
    }
  }
}

/** Agents that share a worktree with one that is not of their tree. */
export async function examineTrespasses(
  survey: SurveyPorts,
  agents: readonly AgentProcess[],
  now: number,
): Promise<readonly Finding[]> {
  const found = await surveyAgents(survey, agents);
  return found.map((trespass) =>
    finding({
      kind: 'collision',
      severity: 'problem',
      subject: `PID ${trespass.agent.row.pid}`,
      evidence: evidenceOf(trespass, startText(survey.claims, trespass.agent, now), now),
      remedy: 'end one of the two, or give each a worktree of its own: `reeve run --worktree NAME`',
    }),
  );
}

function evidenceOf({ agent, claim, others }: Trespass, started: string, now: number): readonly string[] {
  const { kind, row, cwd, worktree, session } = agent;
  const company = others.map((other) => `${other.kind} (PID ${other.row.pid})`).join(', ');
  return [
    `${kind} (PID ${row.pid}), started ${started}, works in ${plain(cwd)}`,
    plain(describeSession(session)),
    claim === null
      ? `nobody claims ${worktree}; there too: ${company}`
      : `${worktree} is claimed by ${describeHolder(claim, now)}`,
  ];
}

/** The exact start is in ticks; people read a time. */
function startText({ table }: ClaimPorts, { row: { startTicks } }: PlacedAgent, now: number): string {
  const nowTicks = table.nowTicks?.();
  if (nowTicks === undefined) return `at tick ${startTicks}`;
  const startedAt = now - ((nowTicks - startTicks) * 1000) / table.ticksPerSecond;
  return `${new Date(startedAt).toISOString()} (tick ${startTicks})`;
}
