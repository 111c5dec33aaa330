import { isFrozen } from './cgroup-state.ts';
import { exitOf } from './instance/exit.ts';
import { findInit, isTended, livingStat } from './instance/init.ts';
import type { Instance } from './instance.ts';
import type { RuntimeParts } from './runtime-parts.ts';
import type { Observation } from './runtime.ts';

/** What can be seen of an instance now. */
export function observe(parts: RuntimeParts, instance: Instance): Observation {
  const { facts, record } = instance;
  if (facts.shellPid === undefined && !isTended(instance)) return { kind: 'absent' };
  instance.suspected = true;
  const exit = exitOf(instance, parts.wasOomKilled);
  if (exit) return { kind: 'exited', exit };
  const init = findInit(instance);
  if (!init || !livingStat(init)?.executed) return { kind: 'starting' };
  const { pid, startTime } = init;
  return { kind: 'running', pid, startTime, paused: isFrozen(record.cgroupsPath, parts.cgroups) };
}
