import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PluginUse } from '../../src/api/container.ts';
import { type HookEvent, type HookPointResult, runHookPoint } from '../../src/hooks/dispatcher.ts';
import type { HookJournal } from '../../src/hooks/hook-call.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import { createPluginRegistry, type PluginRegistry, type RegistryOptions } from '../../src/hooks/registry.ts';
import { runLocally } from '../../src/hooks/testing/run-locally.ts';
import type { Surroundings } from '../../src/hooks/surroundings.ts';
import type { HookCall } from '../../src/journal/journal.ts';

/** A plugin folder, a registry over it, and what happened. */
export interface PluginBench {
  readonly dir: string;
  readonly folder: string;
  readonly registry: PluginRegistry;
  readonly journal: HookJournal;
  readonly events: HookEvent[];
  readonly logged: string[];
  /** Write a file of the plugin folder in one step, executable if it begins with "#!". */
  write(name: string, text: string): string;
  /** The lines that plugins wrote to the file `$TRACE`. */
  trace(): string[];
  /** Where plugins are to append their lines: put it into their source. */
  readonly tracePath: string;
  run(point: HookPoint, plugins: readonly PluginUse[], more?: RunMore): Promise<HookPointResult>;
  /** Resolves when the condition holds; it is asked again after each change of the registry. */
  untilChange(holds: () => boolean): Promise<void>;
  dispose(): Promise<void>;
}

export interface RunMore {
  id?: string;
  instanceID?: string;
  pid?: number;
  rootfsPath?: string;
  signal?: AbortSignal;
  graceMs?: number;
}

// As hob's own start script does: threads start in half the time when Node keeps what it compiled.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '../../node_modules/.cache/hob');

export function pluginBench(options: Partial<RegistryOptions> = {}): PluginBench {
  const dir = mkdtempSync(join(tmpdir(), 'hob-plugins-'));
  const folder = join(dir, 'plugins');
  const tracePath = join(dir, 'trace');
  mkdirSync(folder);
  mkdirSync(join(dir, 'state'));
  writeFileSync(tracePath, '');
  const events: HookEvent[] = [];
  const logged: string[] = [];
  const log = logInto(logged);
  const waiting = new Set<() => void>();
  const registry = createPluginRegistry({
    folders: [folder],
    run: runLocally,
    stateDir: join(dir, 'state'),
    surroundings,
    log,
    settleMs: 20,
    // A busy machine must not make a plugin look broken.
    loadLimitMs: 20_000,
    onChange: () => {
      for (const look of waiting) look();
    },
    ...options,
  });
  const journal = memoryJournal();
  return {
    dir,
    folder,
    registry,
    journal,
    events,
    logged,
    tracePath,
    write(name, text) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(join(dir, 'new'), text);
      chmodSync(join(dir, 'new'), text.startsWith('#!') ? 0o755 : 0o644);
      renameSync(join(dir, 'new'), path);
      return path;
    },
    trace: () => readFileSync(tracePath, 'utf8').split('\n').slice(0, -1),
    run: (point, plugins, more = {}) => {
      const { id = 'c1', instanceID = 'i1', pid = 4711, rootfsPath = '/rootfs/', graceMs = 100 } = more;
      const { signal = new AbortController().signal } = more;
      const container = { id, instanceID, pid, rootfsPath };
      const onEvent = (event: HookEvent): void => void events.push(event);
      return runHookPoint({ point, container, plugins, registry, journal, log, signal, graceMs, onEvent });
    },
    async untilChange(holds) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (holds()) resolve();
      };
      waiting.add(look);
      look();
      await promise;
      waiting.delete(look);
    },
    async dispose() {
      await registry.close();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Of no host that there is. */
export const surroundings: Surroundings = {
  nodeName: 'bench',
  cgroupVersion: 1,
  cgroupMounts: { memory: '/cgroups/memory', cpu: '/cgroups/cpu,cpuacct' },
  cgroupParent: '/hob-bench',
};

/** How many threads of this process run a module of that file name. */
export const threadsOf = (file: string): number =>
  readdirSync('/proc/self/task').filter((task) => nameOfTask(task) === file).length;

/** Undefined for one that has just ended. */
function nameOfTask(task: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** A plugin of a spec; its time limit is long enough to matter only where a test sets another. */
export const use = (name: string, more: Partial<PluginUse> = {}): PluginUse => ({
  name,
  required: true,
  timeoutSeconds: 20,
  ...more,
});

function logInto(lines: string[]) {
  const add = (_fields: object, message: string): void => void lines.push(message);
  return { debug: add, info: add, warn: add, error: add };
}

/** The hook part of a journal, as long as a test. */
export function memoryJournal(): HookJournal {
  const calls: HookCall[] = [];
  return {
    beginHook(call) {
      const open = calls.filter(
        (each) =>
          each.instanceID === call.instanceID &&
          each.point === call.point &&
          each.plugin === call.plugin &&
          each.endedAt === undefined,
      );
      calls.push({ ...call, attempt: open.length + 1, startedAt: 'then' });
      return open.length + 1;
    },
    endHook(end) {
      const index = calls.findLastIndex(
        (each) =>
          each.instanceID === end.instanceID &&
          each.point === end.point &&
          each.plugin === end.plugin &&
          each.endedAt === undefined,
      );
      const begun = calls[index];
      if (begun) calls[index] = { ...begun, ...end, endedAt: 'now' };
    },
    hookCalls: (containerID, instanceID) =>
      calls.filter(
        (call) => call.containerID === containerID && (instanceID === undefined || call.instanceID === instanceID),
      ),
  };
}
