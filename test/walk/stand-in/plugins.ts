import { requiredMissing, runHookPoint, waitsForPreStart } from '../../../src/hooks/dispatcher.ts';
import { HintFlags, hookMode } from '../../../src/hooks/hint-flags.ts';
import { createInstancePlugins } from '../../../src/hooks/registry/instance-plugins.ts';
import type { HookContext, HookPoint, Plugin, StartState } from '../../../src/hooks/plugin.ts';
import type { RegisteredPlugin } from '../../../src/hooks/registered-plugin.ts';
import { inProcessPlugin } from '../../../src/hooks/testing/in-process.ts';
import type { Journal } from '../../../src/journal/journal.ts';
import type { ControlParts } from '../../../src/daemon/control.ts';
import { timersPromises } from './clock.ts';
import type { Gate } from './gate.ts';
import type { World } from './world.ts';

/** One of each kind: one that the others wait for, one that runs beside them, one that takes no part in the start itself. */
export const pluginHints: Readonly<Record<string, number>> = {
  alpha: 31,
  beta: 31 << 16,
  gamma: HintFlags.PostConstructionSync | HintFlags.PreDestructionSync,
};

/** Whether a plugin of these takes part in a hook point. */
export const hasHook = (plugin: string, point: HookPoint): boolean =>
  hookMode(pluginHints[plugin] ?? 0, point) !== 'none';

type Plugins = ControlParts['plugins'] & { readonly pluginsChanged: () => void };

/** hob's own dispatcher, with plugins that are called in this thread and write to the host's memory what they did. */
export function standInPlugins(
  world: World,
  gate: Gate,
  { journal, report, log }: Pick<ControlParts, 'report' | 'log'> & { readonly journal: Journal },
): Plugins {
  const loaded = new Map<string, RegisteredPlugin>();
  const newest = (name: string): RegisteredPlugin | undefined =>
    world.plugins.get(name)?.present ? loaded.get(name) : undefined;
  const instances = createInstancePlugins(newest, () => undefined);
  for (const [name, hints] of Object.entries(pluginHints))
    loaded.set(
      name,
      inProcessPlugin(walkPlugin(name, hints, world, gate), () => undefined),
    );
  const registry = {
    get: newest,
    pin: instances.pin,
    find: instances.find,
    release: instances.release,
    whyMissing: () => 'the walk took it away',
  };
  let tell = (): void => undefined;
  return {
    missing: (uses) => requiredMissing(uses, registry),
    waitForPreStart: (uses, instanceID) => waitsForPreStart(uses, registry, instanceID),
    run: (container, request) =>
      runHookPoint({
        ...request,
        registry,
        journal,
        log,
        onEvent: ({ type, reason, message }) => report.container(container, type, reason, message),
      }),
    onChange: (listener) => {
      tell = listener;
    },
    adopt: (adopted) =>
      adopted.forEach(({ id, spec }) =>
        instances.adopt(
          id,
          spec.plugins.map(({ name }) => name),
        ),
      ),
    forget: () => undefined,
    pluginsChanged: () => {
      for (const name of loaded.keys()) instances.standIn(name);
      tell();
    },
  };
}

function walkPlugin(name: string, hookHints: number, world: World, gate: Gate): Plugin {
  const hook = async (
    point: HookPoint,
    id: string,
    { attempt, instanceID, signal }: HookContext,
    state?: StartState,
  ): Promise<boolean> => {
    await gate.cross(`before ${point} of ${name}`);
    const which = { id, instanceID, point, plugin: name, attempt };
    world.tell({ what: 'hook begins', ...which });
    await gate.cross(`in ${point} of ${name}`);
    const fault = world.hookFaults.find((one) => one.plugin === name && one.point === point && one.times > 0);
    if (fault) fault.times -= 1;
    const ok = await behave(fault?.kind, signal);
    state?.addEnvironmentVariable(`${name}=${instanceID}`);
    await gate.cross(`end of ${point} of ${name}`);
    world.tell({ what: 'hook ended', ...which, outcome: ok && !signal.aborted ? 'ok' : 'failed' });
    await gate.cross(`after ${point} of ${name}`);
    if (fault?.kind === 'throw') throw new Error('thrown by the walk');
    return ok;
  };
  return {
    name,
    hookHints,
    postConstruction: (id, state, _path, _data, context) => hook('postConstruction', id, context, state),
    ...(name !== 'gamma' && {
      preStart: (id: string, _pid: number, _path: string, _data: unknown, context: HookContext) =>
        hook('preStart', id, context),
      postStart: (id: string, _pid: number, _path: string, _data: unknown, context: HookContext) =>
        hook('postStart', id, context),
      postStop: (id: string, _path: string, _data: unknown, context: HookContext) => hook('postStop', id, context),
    }),
    preDestruction: (id, _path, _data, context) => hook('preDestruction', id, context),
  };
}

async function behave(kind: World['hookFaults'][number]['kind'] | undefined, signal: AbortSignal): Promise<boolean> {
  await timersPromises.setTimeout(2);
  if (kind === 'deaf') await new Promise(() => undefined);
  if (kind === 'hang') await timersPromises.setTimeout(3_600_000, undefined, { signal }).catch(() => undefined);
  if (kind === 'slow') await timersPromises.setTimeout(3_000, undefined, { signal }).catch(() => undefined);
  return kind === undefined || kind === 'slow';
}
