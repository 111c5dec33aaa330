import { assertTrustedPath } from '../../host/trust.ts';
import type { Candidate } from './candidates.ts';
import { loadExecutable } from '../executable-plugin.ts';
import { loadModule } from '../module-plugin.ts';
import type { StuckThreads } from '../module/thread.ts';
import { prepareStateDir } from '../plugin-state.ts';
import type { HookLog, RegisteredPlugin } from '../registered-plugin.ts';
import type { RunProcess } from '../run-process.ts';
import type { Surroundings } from '../surroundings.ts';

export interface LoaderOptions {
  readonly run: RunProcess;
  /** Each plugin gets a folder of its own in here. */
  readonly stateDir: string;
  readonly surroundings: Surroundings;
  readonly log: HookLog;
  /** How long a module may take to load, and `PROGRAM describe` to end. */
  readonly loadLimitMs: number;
  /** How long the thread of an ES-module plugin stays when no container needs it. */
  readonly idleMs: number;
  /** Where threads that cannot be ended are kept count of. */
  readonly stuck: StuckThreads;
  /** Fires when hob lets go of its plugins: what still loads is given up. */
  readonly closing: AbortSignal;
  /** The `fault` or `isUsable` of a plugin may answer something else. */
  readonly onChange: () => void;
}

/** Make a plugin of a candidate. Rejects with an Error that says, for the author of the plugin, what is wrong with it. */
export async function loadPlugin(candidate: Candidate, options: LoaderOptions): Promise<RegisteredPlugin> {
  const fault = candidate.fault ?? trustFault(candidate);
  if (fault !== undefined) throw new Error(fault);
  const { main: path, version, label, passedOn } = candidate;
  const stateDir = prepareStateDir(options.stateDir, label);
  const which = { ...options, path, version, passedOn, stateDir };
  return candidate.kind === 'module' ? loadModule(which) : unlessAborted(loadExecutable(which), options.closing);
}

/** Whoever runs the program may be gone by then, and with it the answer. */
function unlessAborted<T>(loading: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener('abort', aborted.reject);
  return Promise.race([loading, aborted.promise]).finally(() => signal.removeEventListener('abort', aborted.reject));
}

/** A plugin is as good as root, and so is whoever can write any of its files. */
function trustFault({ main, folders, files }: Candidate): string | undefined {
  const faults = [main, ...folders, ...files].values().map((path) => assertTrustedPath(path));
  return faults.find((fault) => fault !== undefined);
}
