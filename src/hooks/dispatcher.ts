import type { PluginUse } from '../api/container.ts';
import type { HookCall } from '../journal/journal.ts';
import { discardFds, type GivenParts, type StartStateAdditions } from './start-state/additions.ts';
import { createFdTable, type FdTable, recordedFds } from './start-state/fd-table.ts';
import { callHook, type CallSetting, type EndedCall, type HookedContainer, type HookJournal } from './hook-call.ts';
import { type PlannedCall, planCalls } from './hook-plan.ts';
import { type AddingPlugin, mergeAdditions } from './start-state/merge-additions.ts';
import type { HookPoint } from './plugin.ts';
import { failed, type HookFailure, type HookFailureReason, type HookLog } from './registered-plugin.ts';
import type { PluginRegistry } from './registry.ts';
import type { HookStatistics } from './statistics.ts';

export interface HookPointRequest {
  readonly point: HookPoint;
  readonly container: HookedContainer;
  /** In the order of the spec. */
  readonly plugins: readonly PluginUse[];
  /** For postConstruction: what the container has without its plugins, and they may not change. */
  readonly given?: readonly GivenParts[];
  readonly registry: Pick<PluginRegistry, 'pin' | 'find' | 'release' | 'whyMissing'>;
  readonly journal: HookJournal;
  readonly log: HookLog;
  /** Where the calls are counted. */
  readonly statistics?: HookStatistics;
  /** Fires when the container is to stop: hooks that run are told to end, others are not called any more. */
  readonly signal: AbortSignal;
  /** Told of every failure, of those too that make no difference. */
  readonly onEvent: (event: HookEvent) => void;
  /** How long after its AbortSignal a hook may still end by itself, in milliseconds; 1 s by default. */
  readonly graceMs?: number;
}

export interface HookEvent {
  readonly type: 'Warning';
  readonly reason: HookFailureReason | 'PluginChanged';
  readonly message: string;
}

export interface FailedHook {
  readonly plugin: string;
  readonly required: boolean;
  readonly reason: HookFailureReason;
  readonly message: string;
}

export interface HookPointResult {
  /** No required plugin failed. */
  readonly ok: boolean;
  readonly failures: FailedHook[];
  /** After postConstruction, if it went well. The receiver closes the descriptors. */
  readonly additions?: StartStateAdditions;
}

/** A call and what came of it. */
interface Finished extends EndedCall {
  readonly call: PlannedCall;
}

const GRACE_MS = 1000;

/**
 * Call the plugins of a container that take part in a hook point. The asynchronous ones all begin first; then the synchronous ones run
 * one at a time, in the order of the spec (at the end of a container: in reverse); then the asynchronous ones are waited for. All are
 * called even if one fails. Never rejects; stays pending when hob closes its plugins.
 */
export async function runHookPoint(request: HookPointRequest): Promise<HookPointResult> {
  const { point, container, plugins, registry } = request;
  const names = plugins.map(({ name }) => name);
  if (point === 'postConstruction') registry.pin(container.instanceID, names);
  const earlier = lazy(() => earlierCalls(request));
  const plan = planCalls(point, container.instanceID, plugins, registry, earlier);
  const fds = point === 'postConstruction' ? createFdTable() : undefined;
  const setting = { ...request, graceMs: request.graceMs ?? GRACE_MS, earlier, ...(fds && { fds }) };
  const finished = await callAll(setting, plan.calls);
  if (point === 'preDestruction') registry.release(container.instanceID, container.id);
  tellOfChanged(request, plan.changed);
  const failures = [...missingPlugins(request, plan.missing), ...failedHooks(request, finished)];
  return fds ? addUp(request, finished, failures, fds) : { ok: isGood(failures), failures };
}

/** The required plugins that are not there, each with why (`clock: ...`); a container waits for them. */
export const requiredMissing = (
  plugins: readonly PluginUse[],
  registry: Pick<PluginRegistry, 'get' | 'whyMissing'>,
): string[] =>
  plugins
    .filter(({ name, required }) => required && !registry.get(name))
    .map(({ name }) => `${name}: ${registry.whyMissing(name)}`);

/** Whether there is anything to do at an instance's preStart, were it to miss a plugin that has gone: only then crun has to wait for it. */
export function waitsForPreStart(
  plugins: readonly PluginUse[],
  registry: Pick<PluginRegistry, 'find'>,
  instanceID: string,
): boolean {
  // Without the earlier calls, only one that is not required can be overlooked, and no start waits for that.
  const { calls, missing } = planCalls('preStart', instanceID, plugins, registry, () => []);
  return calls.length + missing.length > 0;
}

async function callAll(setting: CallSetting, calls: readonly PlannedCall[]): Promise<Finished[]> {
  const running = calls.filter(({ mode }) => mode === 'async').map((call) => beginCall(setting, call));
  await Promise.all(running.map(({ begun }) => begun));
  const finished: Finished[] = [];
  for (const call of calls.filter(({ mode }) => mode === 'sync')) finished.push(await beginCall(setting, call).ended);
  return [...finished, ...(await Promise.all(running.map(({ ended }) => ended)))];
}

function beginCall(setting: CallSetting, call: PlannedCall): { begun: Promise<unknown>; ended: Promise<Finished> } {
  const begun = Promise.withResolvers<void>();
  const ended = callHook(setting, call, begun.resolve).then((end) => ({ call, ...end }));
  return { begun: Promise.race([begun.promise, ended]), ended };
}

/** Additions are taken from hooks that went well; with a required one failed there will be no container to add to. */
function addUp(
  request: HookPointRequest,
  finished: readonly Finished[],
  failures: FailedHook[],
  table: FdTable,
): HookPointResult {
  const { merged, conflicts } = mergeAdditions(addingPlugins(request.plugins, finished), request.given);
  for (const { plugin, message } of conflicts) failures.push(tell(request, plugin, failed('Conflict', message)));
  const fds = recordedFds(table);
  if (isGood(failures)) return { ok: true, failures, additions: { ...merged, fds } };
  discardFds(fds);
  return { ok: false, failures };
}

/** In the order of the spec, whatever order their hooks ended in. */
function addingPlugins(uses: readonly PluginUse[], finished: readonly Finished[]): AddingPlugin[] {
  return uses.flatMap(({ name, required }) => {
    const outcome = finished.find(({ call }) => call.use.name === name)?.outcome;
    return outcome?.ok && outcome.additions ? [{ name, required, additions: outcome.additions }] : [];
  });
}

const isGood = (failures: readonly FailedHook[]): boolean => !failures.some(({ required }) => required);

const missingPlugins = (request: HookPointRequest, missing: readonly PluginUse[]): FailedHook[] =>
  missing.map((use) => tell(request, use, failed('PluginNotFound', request.registry.whyMissing(use.name))));

const failedHooks = (request: HookPointRequest, finished: readonly Finished[]): FailedHook[] =>
  finished.flatMap(({ call, outcome, durationMs }) =>
    outcome.ok ? [] : [tell(request, call.use, outcome, durationMs)],
  );

/** A failure as the result has it, and at the same time as an event. */
function tell(
  { point, onEvent }: HookPointRequest,
  { name, required }: Pick<PluginUse, 'name' | 'required'>,
  { reason, message }: HookFailure,
  durationMs?: number,
): FailedHook {
  const after = durationMs === undefined ? '' : ` (after ${Math.round(durationMs)} ms)`;
  onEvent({ type: 'Warning', reason, message: `plugin ${name}, ${point}: ${message}${after}` });
  return { plugin: name, required, reason, message };
}

function tellOfChanged({ point, onEvent }: HookPointRequest, changed: readonly string[]): void {
  for (const name of changed) {
    const message = `plugin ${name}, ${point}: the version that made this container is gone; what is there now stands in for it`;
    onEvent({ type: 'Warning', reason: 'PluginChanged', message });
  }
}

/** A journal that cannot be read knows of no calls; the beginning of the next one will not be recorded either. */
function earlierCalls({ journal, container, log }: HookPointRequest): readonly HookCall[] {
  try {
    return journal.hookCalls(container.id, container.instanceID);
  } catch (error) {
    log.error({ err: error, container: container.id }, 'the journal could not tell which hooks were called');
    return [];
  }
}

/** Reads when it is first asked, and remembers. */
function lazy<T>(read: () => T): () => T {
  let answer: { value: T } | undefined;
  return () => (answer ??= { value: read() }).value;
}
