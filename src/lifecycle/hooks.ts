import { fromCallback, fromPromise } from 'xstate';
import type { AnyEventObject, CallbackActorLogic, PromiseActorLogic } from 'xstate';
import type { HookPoint } from '../hooks/plugin.ts';
import type { HookPointResult } from '../hooks/dispatcher.ts';
import type { EffectInput, HooksDone, HooksInput } from '../../machines/events.ts';
import type { ContainerContext } from '../../machines/context.ts';
import { givenParts } from '../runtime/oci/given-parts.ts';
import { instanceOf } from './parts.ts';
import type { LifecycleParts } from './parts.ts';

export const findMissingPlugins = ({ plugins }: LifecycleParts): PromiseActorLogic<readonly string[], EffectInput> =>
  fromPromise<readonly string[], EffectInput>(async ({ input }) =>
    Promise.resolve(plugins.missing(input.container.desired.spec.plugins)),
  );

/** Call the plugins of one hook point and answer what came of it; `abort` cuts them short. */
export const runHooks = (parts: LifecycleParts): CallbackActorLogic<AnyEventObject, HooksInput> =>
  fromCallback<AnyEventObject, HooksInput>(({ input: { container, point }, sendBack, receive }) => {
    const abort = new AbortController();
    receive(({ type }) => {
      if (type === 'abort') abort.abort();
    });
    callHooks(parts, container, point, abort.signal).then(
      (done) => sendBack({ type: 'hooksDone', ...done }),
      (error: unknown) => sendBack({ type: 'hooksDone', point, ok: false, message: String(error) }),
    );
    // crun may have failed meanwhile: then nobody waits for them any more.
    return () => abort.abort();
  });

async function callHooks(
  { plugins, descriptors }: LifecycleParts,
  container: ContainerContext,
  point: HookPoint,
  signal: AbortSignal,
): Promise<HooksDone> {
  const { id: instanceID, spec, pid, rootfsPath = '' } = instanceOf(container);
  const result = await plugins.run(container, {
    point,
    container: { id: container.id, instanceID, rootfsPath: `${rootfsPath}/`, ...(pid === undefined ? {} : { pid }) },
    plugins: spec.plugins,
    ...(point === 'postConstruction' && spec.plugins.length > 0 && { given: givenParts(spec) }),
    signal,
  });
  const done = { point, ok: result.ok, message: describeFailures(result) };
  if (!result.additions) return done;
  const { env, mounts, fds } = result.additions;
  descriptors.set(instanceID, fds);
  return { ...done, additions: { env, mounts: mounts.map((mount) => ({ ...mount })), fdCount: fds.length } };
}

/** "plugin greeter: HookTimedOut: no answer in 30 s; ...", or nothing. */
function describeFailures({ failures }: HookPointResult): string {
  return failures.map(({ plugin, reason, message }) => `plugin ${plugin}: ${reason}: ${message}`).join('; ');
}
