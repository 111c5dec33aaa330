import type { Instance } from '../instance.ts';
import { parseRecord } from '../json.ts';
import type { StartOutcome } from '../runtime.ts';
import { refusalPattern } from '../instance/start-command.ts';

export type StartFailure = Extract<StartOutcome, { kind: 'failed' }>;

/** The errors in crun's log, JSON a line, in its own words. */
export function crunErrors(log: string): string[] {
  const lines = log.split('\n').map(parseRecord);
  return lines.flatMap(({ level, msg }) => (level === 'error' && typeof msg === 'string' ? [msg] : []));
}

/**
 * When the command cannot be executed after all, crun has closed its log: then its words are the last line that the container put out.
 * Undefined when the line is something else.
 */
export function execFailure(lastOutput: string): string | undefined {
  const [words] = crunErrors(lastOutput);
  return words?.startsWith('exec container process') ? words : undefined;
}

/** What crun says when it does not find the command, or may not execute it. */
const commandPattern = /^(executable file|open executable|exec container process)\b/;

/** @param command what the container was to execute, for messages */
export function describeFailure({ facts }: Instance, words: string, command: string): StartFailure {
  const existed = facts.createdPid !== undefined || facts.pid !== undefined;
  if (commandPattern.test(words)) return failed('StartError', named(words, command), true);
  if (refusalPattern.test(words)) return failed('PreStartRefused', `the preStart hooks refused: ${words}`, true);
  return failed('CreateError', words, existed);
}

/** crun does not always say which command. */
const named = (words: string, command: string): string =>
  words.includes(`\`${command}\``) || command === '' ? words : `cannot execute "${command}": ${words}`;

export function failed(reason: StartFailure['reason'], message: string, initExisted: boolean): StartFailure {
  return { kind: 'failed', reason, message, initExisted };
}

/** Nothing was wrong with it. */
export const givenUp = (initExisted: boolean): StartFailure =>
  failed('NoLongerWanted', 'the container was no longer wanted before its command ran', initExisted);
