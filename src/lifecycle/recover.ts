import type { Exit, Observation, Runtime } from '../runtime/runtime.ts';
import { entryStates } from '../../machines/events.ts';
import type { EntryState } from '../../machines/events.ts';
import { withInstance } from '../../machines/context.ts';
import type { ContainerContext } from '../../machines/context.ts';

/** A container as the journal has it from before hob's last death. */
export interface Recorded {
  /** The state of the machine: `alive.running`. */
  readonly state: string;
  readonly context: ContainerContext;
}

/** Where its machine is to be entered now. */
export interface Recovered {
  readonly context: ContainerContext;
  readonly resumeAt: EntryState;
}

/**
 * Hold what the journal says against what is there. The host is the truth: the journal only tells how far the lifecycle
 * had come and which steps are still owed.
 */
export async function recover(recorded: Recorded, runtime: Runtime, sameBoot: boolean): Promise<Recovered> {
  const { context } = recorded;
  const state = entryStateOf(recorded.state);
  if (!context.instance || !touchesHost.has(state)) return { context, resumeAt: state };
  if (!sameBoot) return afterReboot(context, state);
  if (!mayLive.has(state)) return { context, resumeAt: state };
  return meet(context, state, await runtime.observe(context.id, context.instance.id));
}

/** States in which something of the instance may be on the host. */
const touchesHost = new Set<EntryState>([
  'constructing',
  'postConstruction',
  'starting',
  'postStart',
  'running',
  'paused',
  'stopping',
]);
/** States in which the command may run. */
const mayLive = new Set<EntryState>(['postStart', 'running', 'paused', 'stopping']);

/** The state to enter for a recorded one: a step that was cut is begun again, and every step can be. */
function entryStateOf(recorded: string): EntryState {
  const [top = '', child = ''] = recorded.split('.');
  const name = top === 'alive' ? (cutShort[child] ?? child) : (cutShort[top] ?? top);
  return entryStates.find((state) => state === name) ?? 'pending';
}
const cutShort: Readonly<Record<string, EntryState>> = {
  pausing: 'running',
  updating: 'running',
  unpausing: 'paused',
  // The rootfs may have gone with the mount namespace; constructing finds it or makes it again.
  postConstruction: 'constructing',
};

function meet(context: ContainerContext, state: EntryState, seen: Observation): Recovered {
  if (seen.kind === 'exited') return { context: ended(context, seen.exit), resumeAt: 'postStop' };
  if (seen.kind !== 'running')
    return {
      context: ended(context, lost('its process is gone and its exit file is not there')),
      resumeAt: 'postStop',
    };
  if (state === 'running' || state === 'paused') return { context, resumeAt: seen.paused ? 'paused' : 'running' };
  return { context, resumeAt: state };
}

/** The containers went with the host; the hooks that undo what others did are still owed. */
function afterReboot(context: ContainerContext, state: EntryState): Recovered {
  if (state === 'constructing' && !context.instance?.postConstructionBegun)
    return { context, resumeAt: 'constructing' };
  const why = 'the host was restarted';
  const failed = { ...context, ...withInstance(context, { failure: { reason: 'HostRebooted', message: why } }) };
  if (mayLive.has(state)) return { context: ended(failed, lost(why)), resumeAt: 'postStop' };
  return { context: failed, resumeAt: context.instance?.initExisted ? 'postStop' : 'preDestruction' };
}

const ended = (context: ContainerContext, exit: Exit): ContainerContext => ({
  ...context,
  ...withInstance(context, { exit }),
});

const lost = (unknown: string): Exit => ({ unknown, oomKilled: false, finishedAt: new Date().toISOString() });
