import type { FdTable } from './start-state/fd-table.ts';
import type { HookContext, Plugin } from './plugin.ts';
import { failed, type HookOutcome, type HookRequest } from './registered-plugin.ts';
import { type CollectingStartState, createStartState } from './start-state.ts';
import { describeThrown, inspectThrown } from './thrown.ts';

/** What a call has beside the request. */
export interface CallMeans {
  readonly signal: AbortSignal;
  /** Where the file descriptors of a postConstruction go. */
  readonly fds: FdTable;
  /** For the author of the plugin: what was not taken, and the whole of what was thrown. */
  readonly complain: (why: string) => void;
}

/** Call one hook of a plugin, here and now. Whatever the plugin does short of blocking becomes an outcome. */
export async function callPlugin(plugin: Plugin, request: HookRequest, means: CallMeans): Promise<HookOutcome> {
  const startState = createStartState(means.fds, means.complain);
  // It has failed by then, whenever it ends; nobody would close a descriptor that comes after that.
  means.signal.addEventListener('abort', () => startState.finish());
  const { attempt, instanceID } = request;
  try {
    const answer: unknown = await callMethod(plugin, request, startState, {
      signal: means.signal,
      attempt,
      instanceID,
    });
    const additions = startState.finish();
    if (answer === true) return { ok: true, additions };
    if (answer === false) return failed('HookFailed', 'it answered false');
    return failed(
      'BadAnswer',
      `it answered with ${answer === null ? 'null' : typeof answer} where true or false was expected`,
    );
  } catch (error) {
    startState.finish();
    means.complain(inspectThrown(error));
    return failed('HookThrew', describeThrown(error));
  }
}

/** Each point has its own arguments, as in Dobby. */
function callMethod(
  plugin: Plugin,
  request: HookRequest,
  startState: CollectingStartState,
  context: HookContext,
): unknown {
  const { point, id, pid = -1, rootfsPath, data } = request;
  switch (point) {
    case 'postConstruction':
      return plugin.postConstruction?.(id, startState, rootfsPath, data, context);
    case 'preStart':
    case 'postStart':
      return plugin[point]?.(id, pid, rootfsPath, data, context);
    case 'postStop':
    case 'preDestruction':
      return plugin[point]?.(id, rootfsPath, data, context);
  }
}
