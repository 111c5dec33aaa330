import type { ContainerStatus } from '../api/container.ts';
import type { HookCall } from '../journal/journal.ts';

type Hooks = NonNullable<ContainerStatus['hooks']>;
type HookRun = NonNullable<Hooks['preStart']>[number];

/** ISO 8601, as the journal writes it. */
const beginOfHob = new Date(performance.timeOrigin).toISOString();

/**
 * The hook calls of an instance as the status shows them: by hook point, in the order in which they began.
 * @param hobSince calls that began before and have not ended are of a hob that died
 */
export function hooksOf(calls: readonly HookCall[], hobSince = beginOfHob): Hooks {
  const hooks: Hooks = {};
  calls.forEach((call, index) => {
    const isSuperseded = calls
      .slice(index + 1)
      .some(({ point, plugin }) => point === call.point && plugin === call.plugin);
    const outcome = call.outcome ?? (isSuperseded || call.startedAt < hobSince ? 'interrupted' : 'running');
    (hooks[call.point] ??= []).push(runOf(call, outcome));
  });
  return hooks;
}

function runOf(
  { plugin, startedAt, attempt, durationMs, reason, message }: HookCall,
  outcome: HookRun['outcome'],
): HookRun {
  const run = { plugin, outcome, startedAt, attempt };
  return {
    ...run,
    ...(durationMs !== undefined && { durationMs }),
    ...(reason && { reason }),
    ...(message && { message }),
  };
}
