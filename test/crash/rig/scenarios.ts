import assert from 'node:assert/strict';
import { join } from 'node:path';
import { outcomeOf } from '../../../src/runs/lifecycle.ts';
import type { Fault, World } from './world.ts';

/** Something that happens to runs while a program of reeve is killed. */
export interface Scenario {
  readonly name: string;
  readonly victims: readonly Fault['program'][];
  /** Plays it to its end, whoever dies meanwhile. */
  readonly play: (world: World) => Promise<void>;
}

const AGENT = join(import.meta.dirname, '../../daemon/rig/agent.ts');
/** Exit code of a run whose daemon cannot be reached. */
const DAEMON_UNREACHABLE = 69;
/** A command that leaves a tree behind: a plain child, and one in a session of its own. */
const SHEDDING = 'sleep 1000 & setsid sleep 1001 & ';

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a run that leaves a tree behind',
    victims: ['shim'],
    async play(world) {
      await world.reeve('run', '--grace', '0', '--', 'sh', '-c', `${SHEDDING} exit 3`);
    },
  },
  {
    name: 'a command that is restarted until it is given up',
    victims: ['shim'],
    async play(world) {
      const restart = ['--restart', 'on-failure', '--restart-delay', '1ms', '--restart-limit', '3'];
      await world.reeve('run', ...restart, '--grace', '0', '--', 'sh', '-c', `${SHEDDING} exit 1`);
    },
  },
  {
    name: 'a background run that is stopped',
    victims: ['shim', 'cli'],
    async play(world) {
      await world.reeve(
        'start',
        '--name',
        'work',
        '--',
        'sh',
        '-c',
        `trap "" TERM; ${SHEDDING} while :; do wait; done`,
      );
      await world.reeve('stop', '--grace', '10ms', 'work');
    },
  },
  {
    name: 'a background run that is paused, resumed and stopped',
    victims: ['shim', 'cli'],
    async play(world) {
      await world.reeve('start', '--name', 'work', '--', 'sh', '-c', `${SHEDDING} exec sleep 1002`);
      await world.reeve('pause', 'work');
      await world.reeve('resume', 'work');
      await world.reeve('stop', '--grace', '0', 'work');
    },
  },
  {
    name: 'a run that runs reeve itself, stopped from outside',
    victims: ['shim'],
    async play(world) {
      const inner = `${world.commandLine} run --name inner -- sh -c '${SHEDDING} exec sleep 1002'`;
      await world.reeve('start', '--name', 'outer', '--', 'sh', '-c', inner);
      await world.reeve('stop', '--grace', '0', 'inner');
      await world.reeve('stop', '--grace', '0', 'outer');
    },
  },
  {
    name: 'a breach of a cap',
    victims: ['daemon', 'shim'],
    async play(world) {
      world.home.writeConfig(
        '[[limit]]\nname = "daily"\nperiod = "daily"\nusd = 0.05\naction = "stop"\ngrace = "100ms"\n',
      );
      await world.startDaemon();
      const run = world.start('run', '--grace', '0', '--', process.execPath, AGENT);
      // $0.06: one answer too much.
      run.stdin.write('child stubborn\nspend 4000\n');
      const { code, signal } = await run.ended;
      if (signal === 'SIGKILL') return;
      await assertSpentOnce(world, code);
    },
  },
];

/** Invariant 5 of limits, and O1: the spend is counted once, the run ends by its limit, and the lockout stands. */
async function assertSpentOnce(world: World, code: number | null): Promise<void> {
  if (code === DAEMON_UNREACHABLE) {
    // It died while the run was being admitted: nothing was started.
    const [run] = await world.home.withStore((store) => store.runs.list({}));
    assert.equal(run?.current.state, 'failed');
    return;
  }
  assert.equal(code, 124);
  await world.home.withStore(async (store) => {
    const [run] = await store.runs.list({});
    assert.equal(run === undefined ? null : outcomeOf(run.current)?.endReason, 'budget-limit');
    const [sum] = await store.ledger.sums({}, []);
    const [asked] = await store.ledger.turns({}, []);
    assert.deepEqual([sum?.answers, sum?.costMicroUsd, asked?.turns], [1, 60_000, 1]);
    assert.deepEqual(
      (await store.lockouts.list()).map(({ limit }) => limit),
      ['daily'],
    );
  });
}
