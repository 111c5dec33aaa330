import type { PluginUse } from '../api/container.ts';
import type { HookCall } from '../journal/journal.ts';
import { hookMode } from './hint-flags.ts';
import type { HookPoint } from './plugin.ts';
import type { RegisteredPlugin } from './registered-plugin.ts';
import type { PluginRegistry } from './registry.ts';

/** One hook that is to be called at a hook point. */
export interface PlannedCall {
  readonly use: PluginUse;
  readonly plugin: RegisteredPlugin;
  readonly mode: 'sync' | 'async';
}

export interface HookPlan {
  /** In the order in which the synchronous ones are called. */
  readonly calls: readonly PlannedCall[];
  /** Plugins that are to be called and are not there. */
  readonly missing: readonly PluginUse[];
  /** Plugins whose version that made the instance is gone, in this hob's time or before: another version is called. */
  readonly changed: readonly string[];
}

/** The points at which a container comes to its end. */
export const isTeardown = (point: HookPoint): boolean => point === 'postStop' || point === 'preDestruction';

/** Which hooks a hook point calls, for an instance of a container with these plugins. */
export function planCalls(
  point: HookPoint,
  instanceID: string,
  uses: readonly PluginUse[],
  registry: Pick<PluginRegistry, 'find'>,
  earlier: () => readonly HookCall[],
): HookPlan {
  const calls: PlannedCall[] = [];
  const missing: PluginUse[] = [];
  const changed: string[] = [];
  for (const use of isTeardown(point) ? uses.toReversed() : uses) {
    const { plugin, insteadOf } = registry.find(instanceID, use.name);
    const known = plugin ?? insteadOf;
    const mode = known ? hookMode(known.hookHints, point) : 'none';
    if (!plugin && (known ? mode !== 'none' : isMissed(use, point, earlier))) missing.push(use);
    if (!plugin || mode === 'none') continue;
    if (insteadOf || isChanged(plugin, use, point, earlier)) changed.push(use.name);
    calls.push({ use, plugin, mode });
  }
  return { calls, missing, changed };
}

/** Pins end with hob; which version made the instance, the journal knows. At postConstruction it is made anew. */
function isChanged(
  { version }: RegisteredPlugin,
  { name }: PluginUse,
  point: HookPoint,
  earlier: () => readonly HookCall[],
): boolean {
  if (point === 'postConstruction') return false;
  const calls = earlier().filter(({ plugin }) => plugin === name);
  const madeBy = calls.findLast((call) => call.point === 'postConstruction') ?? calls[0];
  return madeBy?.version !== undefined && madeBy.version !== version;
}

/**
 * For a plugin of which hob knows no hints: it never was there, or an earlier hob had it. One that is not required and took no part is
 * missed once, at the first point; any other at every point, as it may have had the bit.
 */
const isMissed = ({ name, required }: PluginUse, point: HookPoint, earlier: () => readonly HookCall[]): boolean =>
  required || point === 'postConstruction' || earlier().some(({ plugin }) => plugin === name);
