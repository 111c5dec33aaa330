import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { drain, forgetTimers, monotonic, nextTimer, startClock, stepClock, stopClock } from './clock.ts';
import type { Command, Walk } from './commands.ts';
import { beginHob, type Hob } from './hob.ts';
import { judge, type Judge } from './invariants.ts';
import { pluginHints } from './plugins.ts';
import { createWishes, names, sources, type Wishes } from './wishes.ts';
import { createWorld, type World } from './world.ts';

/** A walk that is under way. */
interface Scene {
  readonly world: World;
  readonly wishes: Wishes;
  readonly judge: Judge;
  hob: Hob | undefined;
  /** After how many effects the next hobs are to die. */
  deaths: number[];
  latencyMs: number;
  begin(): Hob;
}

/** A host settles within this time, or never: the longest back-off, several hooks that time out, a start that does. */
const longestSettlingMs = 40 * 60_000;
/** What looks after hob begins another, later when the last one could not begin. */
const [restartMs, restartAfterFaultMs] = [50, 10_000];

/**
 * Walk: do what the commands say, then heal whatever they broke, and wait until all is as it is wanted.
 * @throws Error that says which promise was broken, and what had happened before
 */
export async function walk({ commands }: Walk): Promise<void> {
  const directory = mkdtempSync('/dev/shm/hob-walk-');
  stopClock();
  const scene = setUp(directory);
  try {
    scene.hob = scene.begin();
    for (const command of commands) {
      scene.world.note(JSON.stringify(command));
      await carryOut(scene, command, directory);
      await pass(scene, 0);
      scene.judge.throwIfBroken();
    }
    await settle(scene);
  } catch (error) {
    throw scene.judge.explained(error);
  } finally {
    scene.hob?.gate.die();
    scene.hob?.close();
    forgetTimers();
    startClock();
    rmSync(directory, { recursive: true });
  }
}

function setUp(directory: string): Scene {
  const world = createWorld();
  for (const plugin of Object.keys(pluginHints)) world.plugins.set(plugin, { present: true });
  const wishes = createWishes();
  const judged = judge(world, wishes);
  const scene: Scene = {
    world,
    wishes,
    judge: judged,
    hob: undefined,
    deaths: [],
    latencyMs: 1,
    begin() {
      const hob = beginHob({
        world,
        places: { state: directory, run: join(directory, 'run') },
        sources,
        latency: () => scene.latencyMs,
        onBegun: (control) => {
          judged.follow(control.controller, hob.gate.isDead);
          wishes.follow(control.store);
        },
      });
      hob.gate.dieAfter(scene.deaths.shift() ?? Infinity);
      return hob;
    },
  };
  return scene;
}

/** Let time pass, and everything happen that is due in it. */
async function pass(scene: Scene, ms: number): Promise<void> {
  const until = monotonic() + ms;
  for (;;) {
    await drain();
    if (await buryTheDead(scene)) continue;
    if (nextTimer(until) === 'there') return;
  }
}

/** A hob that died, or could not begin, is followed by another. */
async function buryTheDead(scene: Scene): Promise<boolean> {
  const { hob } = scene;
  if (!hob || (!hob.gate.isDead() && hob.fault() === undefined)) return false;
  const restartsIn = hob.gate.isDead() ? restartMs : restartAfterFaultMs;
  await bury(scene, hob);
  scene.hob = undefined;
  scene.world.tellLater(restartsIn, () => {
    scene.world.note('hob begins');
    scene.hob = scene.begin();
  });
  return true;
}

/** Whatever it still believes to be doing has no effect, and then nothing is left that could. */
async function bury(scene: Scene, hob: Hob): Promise<void> {
  if (!hob.gate.isDead()) scene.world.note('hob dies');
  hob.gate.die();
  scene.world.noteTrouble('death');
  scene.wishes.unfollow();
  scene.judge.unfollow();
  scene.world.changed();
  await drain();
  forgetTimers();
  scene.world.forgetWatchers();
  hob.close();
  scene.world.rearm();
}

// eslint-disable-next-line complexity -- one case a command
async function carryOut(scene: Scene, command: Command, directory: string): Promise<void> {
  const { world, wishes } = scene;
  switch (command.do) {
    case 'declare':
      return wishes.declare(command.name, command.wish);
    case 'change': {
      const wanted = wishes.wanted.get(command.name);
      return wanted && wishes.declare(command.name, { ...wanted.wish, ...command.change });
    }
    case 'withdraw':
    case 'spoil':
    case 'mend':
      return wishes[command.do](command.name);
    case 'kill': {
      const life = world.lives.get(command.name);
      return life && world.endFromOutside(life, command.oom);
    }
    case 'fate':
      return void world.fates.set(command.name, command.fate);
    case 'refuse':
      return void world.refusals.set(command.call, command.times);
    case 'hook':
      return void world.hookFaults.push({ ...command.fault });
    case 'plugin':
      world.setPlugin(command.plugin, command.present);
      return scene.hob?.pluginsChanged();
    case 'source':
      return wishes.readable(command.source, command.readable);
    case 'disk':
      return world.setDisk(command.full);
    case 'rootfs':
      return void world.rootfsMissing[command.missing ? 'add' : 'delete'](command.name);
    case 'clock':
      world.noteTrouble('clock');
      return stepClock(command.hours * 3_600_000);
    case 'latency':
      scene.latencyMs = command.ms;
      world.pace.ms = command.ms;
      return;
    case 'pass':
      return pass(scene, command.ms);
    case 'die':
      return die(scene, command.gates);
    case 'reboot':
      return reboot(scene, directory);
    case 'stop':
      return stop(scene);
  }
}

/** Where it does nothing any more, it dies at rest. */
async function die(scene: Scene, [first = 0, ...others]: readonly number[]): Promise<void> {
  scene.hob?.gate.dieAfter(first);
  scene.deaths = [...others];
  await pass(scene, 300);
  if (scene.hob?.gate.isDead() === false) {
    scene.world.note('hob dies at rest');
    scene.hob.gate.die();
  }
  await pass(scene, 0);
}

async function reboot(scene: Scene, directory: string): Promise<void> {
  if (scene.hob) await bury(scene, scene.hob);
  scene.world.reboot();
  rmSync(join(directory, 'run'), { recursive: true, force: true });
  scene.hob = scene.begin();
}

async function stop(scene: Scene): Promise<void> {
  void scene.hob?.control()?.controller.stop();
  await pass(scene, 5);
  scene.hob?.gate.die();
  await pass(scene, 0);
}

/** Nothing is broken any more; in the end all is as it is wanted, and stays so. */
async function settle(scene: Scene): Promise<void> {
  const { world, wishes, judge: judged } = scene;
  world.note('everything is healed');
  world.heal();
  scene.latencyMs = 1;
  scene.deaths = [];
  scene.hob?.gate.dieAfter(Infinity);
  for (const name of names) wishes.mend(name);
  for (const source of sources) wishes.readable(source, true);
  scene.hob?.pluginsChanged();
  for (let waited = 0, step = 500; waited < longestSettlingMs; waited += step, step = Math.min(step * 2, 60_000)) {
    await pass(scene, step);
    judged.throwIfBroken();
    if (unsettled(scene).length === 0) break;
  }
  await pass(scene, 20_000);
  judged.throwIfBroken();
  judged.throwIf(unsettled(scene));
}

const unsettled = ({ hob, judge: judged }: Scene): string[] => (hob ? judged.unsettled(hob.journal) : ['hob is dead']);
