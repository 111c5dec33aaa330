import { setTimeout as delay } from 'node:timers/promises';
import { initOf, settled } from '../../walk/invariants/check.ts';
import { isAlive } from '../../walk/invariants/expected.ts';
import { server } from '../../walk/commands.ts';
import { installWitness } from '../../walk/witness/install.ts';
import { makeWorld } from '../../walk/world.ts';
import type { World } from '../../walk/world.ts';
import { apiProxy } from './api-proxy.ts';
import type { ApiFault, Moment } from './api-proxy.ts';
import type { Cluster } from './cluster.ts';
import type { DeathScenario, DeathStep, Hands } from './death-scenarios.ts';
import { ask } from './resources.ts';
import { pathOf, servedFaults, type Wanted } from './served.ts';

/** What has not settled by then does not settle, on a machine that is as busy as can be. */
const patienceMs = 90_000;
const lookAgainMs = 100;
/** What hob tells on its own time, events above all, has passed by then. */
const ownTimeMs = 1_500;

export interface DeathOutcome {
  /** What is not as it has to be, in words. */
  readonly violations: readonly string[];
  readonly passed: readonly Moment[];
  /** Whether the fault has come. */
  readonly hasCome: boolean;
}

/** A hob behind a proxy, with a container that nobody disturbs. */
export interface DeathStage {
  readonly world: World;
  /** Without a fault: to learn what passes. */
  play(scenario: DeathScenario, fault?: ApiFault): Promise<DeathOutcome>;
  close(): Promise<void>;
}

let stages = 0;

export async function openDeathStage(cluster: Cluster): Promise<DeathStage> {
  const node = `deaths-${process.pid}-${++stages}`;
  let kill = async (): Promise<void> => undefined;
  const proxy = await apiProxy(cluster, () => kill());
  const kubeconfig = proxy.kubeconfig(await cluster.agentKubeconfig(node));
  const args = ['--kubernetes', '--kubeconfig', kubeconfig, '--node-name', node, '--namespace', 'default'];
  const world = makeWorld(args);
  kill = world.kill;
  const hands = handsOn(cluster, world, node);
  const bystander = `${node}-bystander`;
  let undisturbed: Wanted = {
    here: { name: bystander, state: 'running', starts: 1, marker: 'first' },
    served: { phase: 'Running' },
  };
  let plays = 0;

  async function revive(): Promise<void> {
    while (world.death !== undefined || world.pid === 0) {
      world.start();
      await world.waitUntilUp();
    }
  }

  /** Until nothing is wrong any more; hob is started again whenever it dies meanwhile. */
  async function settle(...wanted: readonly Wanted[]): Promise<string[]> {
    const deadline = performance.now() + patienceMs;
    for (;;) {
      await revive();
      const here = wanted.map((each) => each.here);
      const faults = await settled(world, here, deadline - performance.now());
      if (world.death) continue;
      faults.push(...(faults.length > 0 ? [] : await served(wanted)));
      if (faults.length === 0 || performance.now() > deadline) return faults;
      await delay(lookAgainMs);
    }
  }

  async function served(wanted: readonly Wanted[]): Promise<string[]> {
    const pidOf = ({ here }: Wanted): number | undefined => (isAlive(here) ? initOf(world, here.name).pid : undefined);
    const faults = await Promise.all(wanted.map((each) => servedFaults(cluster, node, each, pidOf(each))));
    return faults.flat();
  }

  async function carryOut(steps: readonly DeathStep[], name: string): Promise<string[]> {
    for (const { what, act, then } of steps) {
      await revive();
      await act(hands, name);
      const faults = then ? await settle(undisturbed, then(name)) : [];
      if (faults.length > 0) return faults.map((fault) => `${what}: ${fault}`);
    }
    return [];
  }

  /** What comes late is a part of it, and all is to be afterwards as it was before. */
  async function carryOutInTime(steps: readonly DeathStep[], name: string): Promise<string[]> {
    const faults = await carryOut(steps, name);
    const deadline = performance.now() + ownTimeMs;
    while (!proxy.hasCome() && performance.now() < deadline) await delay(lookAgainMs);
    const last = steps.at(-1)?.then?.(name);
    return faults.length > 0 || !last ? faults : settle(undisturbed, last);
  }

  async function play({ before, steps }: DeathScenario, fault?: ApiFault): Promise<DeathOutcome> {
    const name = `${node}-c${++plays}`;
    const early = await carryOut(before, name);
    if (early.length > 0) return { violations: early.map((each) => `before: ${each}`), passed: [], hasCome: false };
    proxy.watch(name, fault);
    const violations = await carryOutInTime(steps, name);
    const [passed, hasCome] = [proxy.passed(), proxy.hasCome()];
    proxy.watch('');
    if (violations.length > 0) return { violations, passed, hasCome };
    await hands.remove(name);
    const late = await settle(undisturbed, { here: { name, state: 'absent' }, served: 'gone' });
    return { violations: late.map((each) => `in the end: ${each}`), passed, hasCome };
  }

  async function close(): Promise<void> {
    await world.dispose();
    proxy.close();
  }

  installWitness(world, 'scribe');
  await revive();
  await hands.apply(bystander, server(world, bystander, { marker: 'first', more: { plugins: [{ name: 'scribe' }] } }));
  const faults = await settle(undisturbed);
  if (faults.length > 0) throw new Error(`the stage does not settle: ${faults.join('; ')}\n${world.output()}`);
  undisturbed = { ...undisturbed, here: { ...undisturbed.here, init: initOf(world, bystander) } };
  return { world, play, close };
}

/** As an admin, past the proxy. */
function handsOn(cluster: Cluster, world: World, node: string): Hands {
  const succeed = async (method: string, path: string, body?: object): Promise<void> => {
    const { code, body: said } = await ask(cluster, method, path, body);
    if (code >= 300 && !(method === 'DELETE' && code === 404)) throw new Error(`${method} ${path}: ${code}: ${said}`);
  };
  return {
    world,
    node,
    apply: (name, spec) =>
      succeed('POST', pathOf('').slice(0, -1), {
        apiVersion: 'hob.dev/v1alpha1',
        kind: 'Container',
        metadata: { name },
        spec: { nodeName: node, rootfs: { path: world.rootfs }, ...spec },
      }),
    change: (name, spec) => succeed('PATCH', pathOf(name), { spec }),
    remove: (name) => succeed('DELETE', pathOf(name)),
  };
}
