import { join } from 'node:path';
import { containerMetadata } from '../container-metadata.ts';
import type { FromThread, ProgramOutcome } from './protocol.ts';
import type { PluginEnvironment, PluginUtilities, RunResult } from '../plugin.ts';
import { programRequest } from '../plugin-programs.ts';
import { checkedID } from '../plugin-state.ts';
import { cgroupOf, type Surroundings } from '../surroundings.ts';

/** What the factory of a module is told of its surroundings. */
export function moduleEnvironment(stateDir: string, surroundings: Surroundings): PluginEnvironment {
  const { nodeName, cgroupVersion, cgroupMounts } = surroundings;
  const mountOf = (controller: string): string | undefined =>
    Object.hasOwn(cgroupMounts, controller) ? cgroupMounts[controller] : undefined;
  return {
    stateDir,
    nodeName,
    cgroupVersion,
    cgroupMountPath: mountOf,
    cgroupPath(containerID, controller) {
      const mount = mountOf(controller);
      return mount && join(mount, cgroupOf(surroundings, checkedID(containerID)));
    },
  };
}

/** The utilities, and where the thread puts what became of the programs that they run. */
export interface ModuleUtilities {
  readonly utilities: PluginUtilities;
  settle(outcome: ProgramOutcome): void;
}

/** @param post to hob, which has the programs run */
export function moduleUtilities(stateDir: string, post: (message: FromThread) => void): ModuleUtilities {
  const waiting = new Map<number, PromiseWithResolvers<RunResult>>();
  let lastNumber = 0;

  async function run(...[argv, options]: Parameters<PluginUtilities['run']>): Promise<RunResult> {
    const request = programRequest(argv, options);
    options?.signal?.throwIfAborted();
    const program = ++lastNumber;
    const result = Promise.withResolvers<RunResult>();
    const onAbort = (): void => post({ kind: 'cancel', program });
    waiting.set(program, result);
    post({ kind: 'run', program, request });
    options?.signal?.addEventListener('abort', onAbort);
    try {
      return await result.promise;
    } catch (error) {
      options?.signal?.throwIfAborted();
      throw error;
    } finally {
      options?.signal?.removeEventListener('abort', onAbort);
    }
  }

  return {
    utilities: { run, metadata: (containerID) => containerMetadata(stateDir, containerID) },
    settle(outcome) {
      const result = waiting.get(outcome.program);
      waiting.delete(outcome.program);
      if ('result' in outcome) result?.resolve(outcome.result);
      else result?.reject(new Error(outcome.fault));
    },
  };
}
