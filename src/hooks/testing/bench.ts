import { randomUUID } from 'node:crypto';
import { type AddedFd, discardFds } from '../start-state/additions.ts';
import { type HookPointRequest, type HookPointResult, runHookPoint } from '../dispatcher.ts';
import { hookMode } from '../hint-flags.ts';
import type { HookJournal } from '../hook-call.ts';
import type { HookPoint } from '../plugin.ts';
import type { HookLog, RegisteredPlugin } from '../registered-plugin.ts';
import type { TestedPlugin, TestCall, TestResult } from './contract.ts';
import type { Workshop } from './workshop.ts';

interface BenchParts extends Pick<TestedPlugin, 'environment' | 'utilities' | 'logged'> {
  readonly workshop: Workshop;
  readonly log: HookLog;
}

/** The bench around a plugin that is loaded. */
export function benchOf(plugin: RegisteredPlugin, { workshop, log, ...shown }: BenchParts): TestedPlugin {
  const { rootfsPath } = workshop;
  const fds: AddedFd[] = [];
  const registry: HookPointRequest['registry'] = {
    pin: () => undefined,
    find: () => ({ plugin }),
    release: (_, containerID) => workshop.forget(containerID),
    whyMissing: () => '',
  };

  const hook =
    (point: HookPoint) =>
    async (call: TestCall = {}): Promise<TestResult> => {
      if (hookMode(plugin.hookHints, point) === 'none')
        throw new Error(`the hookHints of ${plugin.name} leave out ${point}, so hob would not call it`);
      const result = await runHookPoint({ ...requestOf(plugin, point, { rootfsPath, ...call }), registry, log });
      fds.push(...(result.additions?.fds ?? []));
      return resultOf(result);
    };

  async function close(): Promise<void> {
    discardFds(fds.splice(0));
    await plugin.close();
    workshop.remove();
  }

  return {
    ...shown,
    name: plugin.name,
    hookHints: plugin.hookHints,
    rootfsPath,
    postConstruction: hook('postConstruction'),
    preStart: hook('preStart'),
    postStart: hook('postStart'),
    postStop: hook('postStop'),
    preDestruction: hook('preDestruction'),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function requestOf(
  plugin: RegisteredPlugin,
  point: HookPoint,
  { id = 'test', data, pid = process.pid, rootfsPath = '/', attempt = 1, timeoutSeconds = 30, signal }: TestCall,
): Omit<HookPointRequest, 'registry' | 'log'> {
  return {
    point,
    container: { id, instanceID: randomUUID(), pid, rootfsPath },
    plugins: [{ name: plugin.name, required: true, timeoutSeconds, ...(data !== undefined && { data }) }],
    journal: forgetfulJournal(attempt),
    signal: signal ?? new AbortController().signal,
    onEvent: () => undefined,
  };
}

/** Knows of no call, so that each hook can be called as often as a test likes. */
const forgetfulJournal = (attempt: number): HookJournal => ({
  beginHook: () => attempt,
  endHook: () => undefined,
  hookCalls: () => [],
});

function resultOf({ ok, failures, additions }: HookPointResult): TestResult {
  const { env, mounts, fds } = additions ?? { env: [], mounts: [], fds: [] };
  const [failure] = failures;
  const why = failure && { reason: failure.reason, message: failure.message };
  return { ok, ...why, env, mounts, fds: fds.map(({ fd }) => fd) };
}
