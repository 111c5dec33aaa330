import type { ContainerStatus } from '../api/container.ts';
import type { HookCall } from '../journal/journal.ts';

type Hooks = NonNullable<ContainerStatus['hooks']>;

/** The hook calls of an instance as the status shows them: by hook point, those that have ended. */
export function hooksOf(calls: readonly HookCall[]): Hooks {
  const hooks: Hooks = {};
  for (const { point, plugin, outcome, reason, message, durationMs, attempt } of calls) {
    if (!outcome) continue;
    const run = { plugin, outcome, durationMs: durationMs ?? 0, attempt };
    (hooks[point] ??= []).push({ ...run, ...(reason && { reason }), ...(message && { message }) });
  }
  return hooks;
}
