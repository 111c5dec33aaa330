import { wordsOf } from '../host/errors.ts';
import type { HookCall, Journal } from '../journal/journal.ts';
import type { FdTable } from './start-state/fd-table.ts';
import { isTeardown, type PlannedCall } from './hook-plan.ts';
import type { HookPoint } from './plugin.ts';
import { failed, failureReasons, type HookFailureReason, type HookLog, type HookOutcome } from './registered-plugin.ts';
import type { HookStatistics } from './statistics.ts';

export type HookJournal = Pick<Journal, 'beginHook' | 'endHook' | 'hookCalls'>;

/** The container that hooks are called for. */
export interface HookedContainer {
  readonly id: string;
  readonly instanceID: string;
  /** Of its init. */
  readonly pid?: number;
  /** Absolute, ends in "/". */
  readonly rootfsPath: string;
}

export interface CallSetting {
  readonly point: HookPoint;
  readonly container: HookedContainer;
  readonly journal: HookJournal;
  readonly log: HookLog;
  readonly statistics?: HookStatistics;
  readonly signal: AbortSignal;
  readonly graceMs: number;
  /** The calls of this instance that the journal already had. */
  readonly earlier: () => readonly HookCall[];
  readonly fds?: FdTable;
}

export interface EndedCall {
  readonly outcome: HookOutcome;
  /** Undefined when the journal already had the outcome, and nothing was called. */
  readonly durationMs?: number;
}

/**
 * Call one hook, with its intent in the journal before and its outcome after. A hook that already ended for this instance and point is
 * not called again: what the journal has is its outcome. Never rejects.
 */
export async function callHook(setting: CallSetting, call: PlannedCall, onBegun: () => void): Promise<EndedCall> {
  const recorded = recordedOutcome(setting, call);
  if (recorded) return { outcome: recorded };
  if (setting.signal.aborted) return { outcome: failed('HookAborted', 'the container is to stop; it was not called') };
  return callUntilKnown(setting, call, onBegun);
}

const mostCalls = 3;

/**
 * Where the keeper died over a call, nobody knows what came of it: the hook is called again, as after a death of hob, with its next attempt.
 * The lost one stays without an end in the journal, and counts nowhere.
 */
async function callUntilKnown(setting: CallSetting, call: PlannedCall, onBegun: () => void): Promise<EndedCall> {
  for (let calls = 1; ; calls += 1) {
    const startedAt = performance.now();
    const attempt = recordBegin(setting, call, calls);
    if (typeof attempt === 'string') return { outcome: failed('JournalFailed', attempt) };
    const outcome = await makeCall(setting, call, attempt, onBegun);
    const isLost = !outcome.ok && outcome.reason === 'KeeperLost';
    if (!isLost || calls === mostCalls || setting.signal.aborted) return endCall(setting, call, outcome, startedAt);
  }
}

function endCall(setting: CallSetting, call: PlannedCall, outcome: HookOutcome, startedAt: number): EndedCall {
  const durationMs = Math.round((performance.now() - startedAt) * 1000) / 1000;
  recordEnd(setting, call, outcome, durationMs);
  setting.statistics?.record(call.use.name, setting.point, { ok: outcome.ok, durationMs });
  return { outcome, durationMs };
}

/**
 * What a postConstruction hook added is not in the journal, and its descriptors died with the hob that had them. So when that point is
 * run once more, all its hooks are called once more, and told so by their `attempt`.
 */
function recordedOutcome({ point, earlier }: CallSetting, { use }: PlannedCall): HookOutcome | undefined {
  if (point === 'postConstruction') return undefined;
  const ended = earlier().findLast((call) => isSame(call, point, use.name) && call.endedAt !== undefined);
  if (!ended) return undefined;
  if (ended.outcome === 'ok') return { ok: true };
  return { ok: false, reason: reasonOf(ended), message: ended.message ?? 'it failed' };
}

const isSame = (call: HookCall, point: HookPoint, plugin: string): boolean =>
  call.point === point && call.plugin === plugin;

/** The journal keeps the reasons that were given to it, as text. */
const reasonOf = ({ reason }: HookCall): HookFailureReason =>
  failureReasons.find((known) => known === reason) ?? 'HookFailed';

/**
 * A hook called twice is better than what a container leaves behind at its end, or one that runs without its postStart for ever. All before
 * that is tried again with the next instance.
 */
const mustBeCalled = (point: HookPoint): boolean => isTeardown(point) || point === 'postStart';

/** The attempt, or why the call must not be made: what may run later on a journal that forgot it would run twice. */
function recordBegin(setting: CallSetting, { use, plugin }: PlannedCall, calls: number): number | string {
  const { point, container, journal, log, earlier } = setting;
  const which = { containerID: container.id, instanceID: container.instanceID, point, plugin: use.name };
  const { version } = plugin;
  const again = calls + earlier().filter((call) => isSame(call, point, use.name)).length;
  try {
    return Math.max(again, journal.beginHook({ ...which, version }));
  } catch (error) {
    log.error({ err: error, ...which }, 'the journal could not record that a hook begins');
    if (mustBeCalled(point)) return again;
    return `the call could not be recorded, so it was not made: ${wordsOf(error)}`;
  }
}

function makeCall(setting: CallSetting, call: PlannedCall, attempt: number, onBegun: () => void): Promise<HookOutcome> {
  const { point, container, signal, graceMs, fds } = setting;
  const { pid, ...rest } = container;
  const hasPid = point === 'preStart' || point === 'postStart';
  const request = { point, ...rest, data: call.use.data ?? null, attempt, ...(hasPid && pid !== undefined && { pid }) };
  const timeoutMs = call.use.timeoutSeconds * 1000;
  return call.plugin.call(request, { timeoutMs, graceMs, signal, onBegun, ...(fds && { fds }) });
}

function recordEnd(setting: CallSetting, { use }: PlannedCall, outcome: HookOutcome, durationMs: number): void {
  const { point, container, journal, log } = setting;
  const which = { containerID: container.id, instanceID: container.instanceID, point, plugin: use.name };
  const failure = outcome.ok ? {} : { reason: outcome.reason, message: outcome.message };
  try {
    journal.endHook({ ...which, outcome: outcome.ok ? 'ok' : 'failed', ...failure, durationMs });
  } catch (error) {
    log.error(
      { err: error, ...which },
      'the journal could not record that a hook ended; a new hob would call it again',
    );
  }
}
