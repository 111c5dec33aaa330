import { fromCallback, fromPromise } from 'xstate';
import type { AnyEventObject, CallbackActorLogic, PromiseActorLogic } from 'xstate';
import type { BegunStart, Launch, StartOutcome } from '../runtime/runtime.ts';
import type { AnswerInput, EffectInput } from '../../machines/events.ts';
import { isUnwanted } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';
import { prepareRootfs } from './construct.ts';
import { instanceOf, noAdditions } from './parts.ts';
import type { LifecycleParts } from './parts.ts';
import { untilDone } from './until-done.ts';

/** Have crun run the container, or give that up on `abort`. Idempotent: a start that an earlier hob began is gone on with. */
export const start = (parts: LifecycleParts): CallbackActorLogic<AnyEventObject, EffectInput> =>
  fromCallback<AnyEventObject, EffectInput>(({ input: { container }, sendBack, receive }) => {
    const [left, unwanted] = [new AbortController(), new AbortController()];
    receive(({ type }) => {
      if (type === 'abort') unwanted.abort();
    });
    // It may have been given up by the hob that died.
    if (isUnwanted(container)) unwanted.abort();
    const created = (pid: number): void => sendBack({ type: 'created', pid });
    startInstance(parts, container, created, { left: left.signal, unwanted: unwanted.signal }).then(
      (outcome) => sendBack(eventOf(outcome)),
      (error: unknown) => sendBack(eventOf(failed('CreateError', error))),
    );
    return () => left.abort();
  });

async function startInstance(
  parts: LifecycleParts,
  container: ContainerContext,
  onCreated: (pid: number) => void,
  signals: { readonly left: AbortSignal; readonly unwanted: AbortSignal },
): Promise<StartOutcome> {
  const { runtime, descriptors } = parts;
  const instance = instanceOf(container);
  // Asked once: what an earlier hob began has what it was given then, and must be neither begun again nor made again.
  if ((await runtime.observe(container.id, instance.id)).kind !== 'absent')
    return runtime.goOn(begunStart(container), onCreated, signals.left, signals.unwanted);
  const fds = descriptors.get(instance.id) ?? [];
  const { fdCount } = instance.additions ?? noAdditions;
  if (fds.length < fdCount)
    return failed(
      'CreateError',
      'hob was restarted before the container started, and with it went the file descriptors that plugins gave it',
    );
  const launch = await prepareLaunch(parts, container, fds);
  descriptors.delete(instance.id);
  return runtime.start(launch, onCreated, signals.left, signals.unwanted);
}

function begunStart(container: ContainerContext): BegunStart {
  const { id, spec } = instanceOf(container);
  return { id: container.id, instanceID: id, command: spec.command?.[0] ?? '' };
}

async function prepareLaunch(parts: LifecycleParts, container: ContainerContext, fds: Launch['fds']): Promise<Launch> {
  const instance = instanceOf(container);
  const path = await prepareRootfs(parts, container);
  return {
    id: container.id,
    instanceID: instance.id,
    config: parts.configure(container.id, instance, path),
    waitForPreStart: parts.plugins.waitForPreStart(instance.spec.plugins, instance.id),
    log: parts.logOf(container.id, instance),
    fds,
  };
}

function failed(reason: 'CreateError', error: unknown): StartOutcome {
  const message = error instanceof Error ? error.message : String(error);
  return { kind: 'failed', reason, message, initExisted: false };
}

function eventOf(outcome: StartOutcome): AnyEventObject {
  const { kind, ...rest } = outcome;
  if (kind === 'running') return { type: 'started', ...rest };
  const { reason } = outcome;
  return {
    type: 'startFailed',
    ...rest,
    commandRefused: reason === 'StartError',
    givenUp: reason === 'NoLongerWanted',
  };
}

/** Tell crun, which waits, what the preStart hooks said. Never gives up: crun would wait for ever. */
export const answerPreStart = ({ runtime, log }: LifecycleParts): PromiseActorLogic<void, AnswerInput> =>
  fromPromise<void, AnswerInput>(({ input: { container, verdict }, signal }) =>
    untilDone(
      () => runtime.answerPreStart(container.id, instanceOf(container).id, verdict),
      (err) =>
        log.warn({ container: container.id, err }, 'crun cannot be told what its preStart hooks said; trying again'),
      signal,
    ),
  );
