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
  const context = withLimitsInDoubt(recorded);
  const state = entryStateOf(recorded.state) ?? bestGuess(context);
  if (!context.instance || !touchesHost.has(state)) return { context, resumeAt: state };
  if (!sameBoot) return afterReboot(context, state);
  if (!mayLive.has(state)) return { context, resumeAt: state };
  return meet(context, state, await runtime.observe(context.id, context.instance.id));
}

/** How far a change of limits came that was cut, nobody knows: limits are set once more, even if those of before are wanted again by now. */
function withLimitsInDoubt({ state, context }: Recorded): ContainerContext {
  const { instance } = context;
  if (!instance || !state.startsWith('alive.updating')) return context;
  return { ...context, ...withInstance(context, { hash: { ...instance.hash, resources: '' } }) };
}

/** For a state of another version of hob: what is on the host decides, unless the instance was closed. */
const bestGuess = ({ instance, lastTermination }: ContainerContext): EntryState =>
  instance && lastTermination?.instanceID !== instance.id ? 'running' : 'pending';

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
function entryStateOf(recorded: string): EntryState | undefined {
  const [top = '', child = ''] = recorded.split('.');
  const name = top === 'alive' ? (cutShort[child] ?? child) : (cutShort[top] ?? top);
  return entryStates.find((state) => state === name);
}
const cutShort: Readonly<Record<string, EntryState>> = {
  pausing: 'running',
  updating: 'running',
  unpausing: 'paused',
  updatingPaused: 'paused',
  // The rootfs may have gone with the mount namespace; constructing finds it or makes it again.
  postConstruction: 'constructing',
  held: 'pending',
  // What it waited for may have come while nobody looked.
  waiting: 'pending',
};

function meet(context: ContainerContext, state: EntryState, seen: Observation): Recovered {
  if (seen.kind === 'exited') return { context: ended(context, seen.exit), resumeAt: 'postStop' };
  if (seen.kind === 'absent')
    return {
      context: ended(context, lost('its process is gone and its exit file is not there')),
      resumeAt: 'postStop',
    };
  // Its init has ended just now, and crun has yet to say how: whoever waits for its end will hear it.
  if (seen.kind === 'starting') return { context, resumeAt: state };
  if (state === 'running' || state === 'paused') return { context, resumeAt: seen.paused ? 'paused' : 'running' };
  return { context, resumeAt: state };
}

/** The containers went with the host; the hooks that undo what others did are still owed. */
function afterReboot(context: ContainerContext, state: EntryState): Recovered {
  if (state === 'constructing' && !context.instance?.postConstructionBegun)
    return { context, resumeAt: 'constructing' };
  const why = 'the host was restarted';
  const failure = { reason: 'HostRebooted', message: why };
  const failed = { ...context, ...withInstance(context, { failure, hostRestarted: true }) };
  if (mayLive.has(state)) return { context: ended(failed, lost(why)), resumeAt: 'postStop' };
  return { context: failed, resumeAt: context.instance?.initExisted ? 'postStop' : 'preDestruction' };
}

const ended = (context: ContainerContext, exit: Exit): ContainerContext => ({
  ...context,
  ...withInstance(context, { exit }),
});

const lost = (unknown: string): Exit => ({ unknown, oomKilled: false, finishedAt: new Date().toISOString() });
