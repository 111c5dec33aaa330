import type { AddedMount, PluginAdditions } from '../start-state/additions.ts';
import type { FromThread, ModuleDescription } from './protocol.ts';
import { failureReasons, type HookOutcome } from '../registered-plugin.ts';

/**
 * Read what came from the thread of a plugin. hob's own program there says only what has the right shape, but code of the plugin, or of
 * a library that finds itself in a thread, may post anything. Undefined when it is no message to hob.
 */
export function readFromThread(said: unknown): FromThread | undefined {
  return isObject(said) && isMessage(said) ? said : undefined;
}

/** Whether it has the shape of what a module says of itself. */
export function isModuleDescription(value: unknown): value is ModuleDescription {
  if (!isObject(value)) return false;
  const { name, hookHints, methods, written } = value;
  return isTellable(name) && isTellable(hookHints) && isTexts(methods) && isTexts(written);
}

type Fields = Readonly<Record<string, unknown>>;

function isMessage(said: Fields): said is FromThread & Fields {
  switch (said['kind']) {
    case 'loaded':
      return isModuleDescription(said['module']);
    case 'broken':
      return isText(said['reason']);
    case 'complaint':
      return isText(said['message']);
    case 'begun':
    case 'entered':
    case 'pong':
      return isNumber(said['call']);
    case 'ended':
      return isNumber(said['call']) && isOutcome(said['outcome']);
    case 'run':
      return isNumber(said['program']) && isRequest(said['request']);
    case 'cancel':
      return isNumber(said['program']);
    default:
      return false;
  }
}

function isOutcome(value: unknown): value is HookOutcome {
  if (!isObject(value)) return false;
  const { ok, additions, reason, message } = value;
  if (ok === false) return failureReasons.some((known) => known === reason) && isText(message);
  return ok === true && (additions === undefined || isAdditions(additions));
}

const isAdditions = (value: unknown): value is PluginAdditions =>
  isObject(value) && isTexts(value['env']) && isMounts(value['mounts']);

const isMounts = (value: unknown): value is AddedMount[] => Array.isArray(value) && value.every(isMount);

const isMount = (value: unknown): value is AddedMount =>
  isObject(value) && [value['source'], value['destination'], value['type']].every(isText) && isTexts(value['options']);

const isRequest = (value: unknown): boolean =>
  isObject(value) && isTexts(value['argv']) && isText(value['stdin']) && isNumber(value['timeoutMs']);

/** What `describePlugin` makes of anything. */
const isTellable = (value: unknown): boolean =>
  value === undefined || isText(value) || isNumber(value) || isTexts(value);

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
