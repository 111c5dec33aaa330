import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { lastOutput } from '../container-output.ts';
import { endInstance } from '../end-instance.ts';
import { findInit, isAbandoned, livingStat } from '../instance/init.ts';
import { signalKinds } from '../instance/paths.ts';
import type { Instance } from '../instance.ts';
import { once } from '../once.ts';
import type { RuntimeParts } from '../runtime-parts.ts';
import type { StartOutcome } from '../runtime.ts';
import { readSmall } from '../small-file.ts';
import { crunErrors, describeFailure, execFailure, failed, givenUp } from './failure.ts';
import { createTimeLimit } from './time-limit.ts';

/** What the caller of a start wants to be told, and when it stops caring. */
export interface StartListener {
  readonly onCreated: (pid: number) => void;
  readonly signal: AbortSignal;
  /** The start is to come to an end soon, whichever. */
  readonly unwanted: AbortSignal;
}

/** How far a start is, by what can be seen. */
type Stage = 'creating' | 'waitingForVerdict' | 'executing' | 'running' | 'over';

/** What works is through by then, and the container is ended in order; so only a crun that hangs is killed. */
const patienceMs = 1_000;

/**
 * Follow a start to its outcome.
 * @param command what the container is to execute, for messages
 * @param release gives back the start's slot, if it has one; called as soon as crun is no longer busy with it
 */
export async function followStart(
  parts: RuntimeParts,
  instance: Instance,
  command: string,
  { onCreated, signal, unwanted }: StartListener,
  release: () => void = () => undefined,
): Promise<StartOutcome> {
  const limit = createTimeLimit(parts.startTimeoutMs, instance.wake);
  const patience = createTimeLimit(patienceMs, instance.wake);
  const announce = once(onCreated);
  if (unwanted.aborted) patience.run();
  unwanted.addEventListener('abort', patience.run);
  try {
    for (let looks = 0; ; looks += 1) {
      const stage = stageOf(instance);
      if (stage === 'running') return running(instance);
      if (stage === 'over') return await afterEnd(parts, instance, command);
      if (patience.isOver()) return givenUp(await endStart(parts, instance));
      if (limit.isOver()) return tookTooLong(parts, await endStart(parts, instance));
      if (stage === 'waitingForVerdict') {
        limit.stop();
        release();
        announce(instance.facts.createdPid ?? 0);
      } else limit.run();
      if (stage === 'executing') await aMoment(looks);
      else await instance.changed(signal);
    }
  } finally {
    limit.stop();
    patience.stop();
    unwanted.removeEventListener('abort', patience.run);
  }
}

function stageOf(instance: Instance): Stage {
  const { facts, answered, exit } = instance;
  const init = findInit(instance);
  const stat = init && livingStat(init);
  if (stat) return stat.executed ? 'running' : 'executing';
  if (facts.crunCode !== undefined || exit || isAbandoned(instance)) return 'over';
  return facts.createdPid !== undefined && !init && !answered ? 'waitingForVerdict' : 'creating';
}

const quickLooks = 2;

/** From the pid file to the command it is less than a millisecond, on a host that has time. */
const aMoment = (looks: number): Promise<void> => (looks < quickLooks ? nextTurn() : delay(1));

function running({ init, paths }: Instance): StartOutcome {
  const began = statSync(paths.signals.pid, { throwIfNoEntry: false })?.mtime ?? new Date();
  return { kind: 'running', pid: init?.pid ?? 0, startTime: init?.startTime ?? 0, startedAt: began.toISOString() };
}

/** It ended before anybody saw the command run. It may have run all the same, and have been quick. */
async function afterEnd(parts: RuntimeParts, instance: Instance, command: string): Promise<StartOutcome> {
  const { facts, paths } = instance;
  const describe = (words: string) => describeFailure(instance, words, command);
  if (facts.pid !== undefined && facts.crunCode === 0) return running(instance);
  if (facts.pid === undefined) {
    const words = crunErrors(readSmall(paths.crunLog)).join('; ');
    return describe(words || (await otherWords(parts, instance)));
  }
  const [words] = (await lastOutput(parts, instance)).flatMap((line) => execFailure(line) ?? []);
  return words === undefined ? running(instance) : describe(words);
}

/** What goes wrong before crun has its log, or without crun, is said where the container's output goes. */
async function otherWords(parts: RuntimeParts, instance: Instance): Promise<string> {
  const { crunCode, shellPid } = instance.facts;
  if (shellPid === undefined)
    return `the shell that starts crun cannot write to ${dirname(instance.paths.signals.shell)}; is that full, or without inodes? Make room there`;
  const how = crunCode === undefined ? 'was killed' : `ended with code ${crunCode}`;
  const output = (await lastOutput(parts, instance)).map((line) => crunErrors(line)[0] ?? line).join('; ');
  return `crun ${how} before the command ran${output && `: ${output}`}`;
}

/** Answers whether there was an init: it may have come while crun was being killed. */
async function endStart(parts: RuntimeParts, instance: Instance): Promise<boolean> {
  await endInstance(parts, instance);
  signalKinds.forEach(instance.read);
  return instance.facts.createdPid !== undefined || instance.facts.pid !== undefined;
}

function tookTooLong({ startTimeoutMs }: RuntimeParts, initExisted: boolean): StartOutcome {
  const message = `crun did not get the command to run within ${startTimeoutMs / 1000} s, and was killed`;
  return failed('CreateError', message, initExisted);
}
