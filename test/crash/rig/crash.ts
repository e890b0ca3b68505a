import type { Scenario } from './scenarios.ts';
import { World, type Fault } from './world.ts';

/**
 * Plays a scenario in which a program is killed before one of its durable writes, and proves what must hold afterwards.
 * @returns false when the program has not written that often: the fault has not struck
 */
export async function crashAtWrite(scenario: Scenario, fault: Fault): Promise<boolean> {
  await using world = new World(fault);
  await scenario.play(world);
  const { struck } = world;
  await world.assertConsistent();
  await world.recover();
  await world.assertConsistent();
  return struck;
}

/**
 * Plays a scenario in which the shims or the daemon are killed after so many milliseconds, and proves what must hold afterwards.
 * @returns how many processes were killed
 */
export async function crashAtMoment(
  scenario: Scenario,
  { program, afterMs }: { readonly program: 'shim' | 'daemon'; readonly afterMs: number },
): Promise<number> {
  await using world = new World(null);
  const playing = scenario.play(world);
  // A scenario that fails is reported below; until then nobody waits for it.
  playing.catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  const daemon = world.home.daemon();
  const victims = program === 'shim' ? await world.shims() : daemon === null ? [] : [daemon];
  for (const victim of victims) world.kill(victim);
  await world.assertConsistent();
  await playing;
  await world.assertConsistent();
  await world.recover();
  return victims.length;
}
