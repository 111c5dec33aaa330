import { containerMachine } from '../../machines/container.ts';
import { construct } from './construct.ts';
import { destroy } from './destroy.ts';
import { findMissingPlugins, runHooks } from './hooks.ts';
import { pause, unpause, updateResources } from './in-place.ts';
import type { LifecycleParts } from './parts.ts';
import { sleep } from './sleep.ts';
import { answerPreStart, start } from './start.ts';
import { stop } from './stop.ts';
import { waitForExit } from './wait-for-exit.ts';

/** The lifecycle machine with its effects: what each state really does to this host. */
export function withEffects(parts: LifecycleParts): typeof containerMachine {
  return containerMachine.provide({
    actors: {
      findMissingPlugins: findMissingPlugins(parts),
      construct: construct(parts),
      runHooks: runHooks(parts),
      start: start(parts),
      answerPreStart: answerPreStart(parts),
      waitForExit: waitForExit(parts),
      pause: pause(parts),
      unpause: unpause(parts),
      updateResources: updateResources(parts),
      stop: stop(parts),
      destroy: destroy(parts),
      sleep,
    },
  });
}
