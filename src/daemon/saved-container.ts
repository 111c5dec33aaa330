import type { SavedContainer } from '../controller/saved-container.ts';

/**
 * Whether this is a container as `save` wrote it, by all that would be in the way of going on with it. What is more is left alone: another
 * version of hob may have added it.
 */
export function isSavedContainer(value: unknown): value is SavedContainer {
  const { context, conditions, claim, contentHash } = fieldsOf(value);
  return (
    isContext(context) &&
    isListOf(conditions, isCondition) &&
    hasTexts(claim, 'source', 'origin') &&
    isText(contentHash)
  );
}

function isContext(value: unknown): boolean {
  const context = fieldsOf(value);
  return (
    hasTexts(value, 'id', 'uid', 'namespace', 'name', 'createdAt') &&
    hasNumbers(value, 'instances', 'restartCount', 'failuresInRow') &&
    isDesired(context['desired']) &&
    isMissingOr(isInstance, context['instance']) &&
    isMissingOr(isTermination, context['lastTermination']) &&
    isMissingOr(isTime, context['closedAt']) &&
    isMissingOr(isTime, context['nextStartAt']) &&
    isListOf(context['missingPlugins'], isText) &&
    isListOf(context['hookFailures'], (failure) => hasTexts(failure, 'point', 'message'))
  );
}

function isDesired(value: unknown): boolean {
  const { labels, annotations, removed } = fieldsOf(value);
  return isOfSpec(value) && isRecord(labels) && isRecord(annotations) && typeof removed === 'boolean';
}

function isInstance(value: unknown): boolean {
  const { exit, failure } = fieldsOf(value);
  return (
    hasTexts(value, 'id') &&
    isOfSpec(value) &&
    isMissingOr(isExit, exit) &&
    isMissingOr((why) => hasTexts(why, 'reason', 'message'), failure)
  );
}

function isExit(value: unknown): boolean {
  const { code, signal, unknown } = fieldsOf(value);
  const isTold = isMissingOr(Number.isFinite, code) && isMissingOr(isText, signal) && isMissingOr(isText, unknown);
  return isTold && hasTexts(value, 'finishedAt');
}

function isTermination(value: unknown): boolean {
  const { exitCode, signal, message } = fieldsOf(value);
  const isTold = isMissingOr(Number.isFinite, exitCode) && isMissingOr(isText, signal) && isMissingOr(isText, message);
  return isTold && hasTexts(value, 'instanceID', 'reason', 'finishedAt');
}

const isCondition = (value: unknown): boolean => hasTexts(value, 'type', 'status', 'lastTransitionTime');
/** In milliseconds since the epoch, and such that a date can be made of it. */
const isTime = (value: unknown): boolean => typeof value === 'number' && !Number.isNaN(new Date(value).getTime());

/** Made from a spec: with the spec, its hashes and its generation. */
function isOfSpec(value: unknown): boolean {
  const { spec, hash } = fieldsOf(value);
  const { plugins } = fieldsOf(spec);
  return (
    Array.isArray(plugins) &&
    plugins.every((use) => hasTexts(use, 'name')) &&
    hasTexts(hash, 'instance', 'resources') &&
    hasNumbers(value, 'generation')
  );
}

const isMissingOr = (is: (value: unknown) => boolean, value: unknown): boolean => value === undefined || is(value);
const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean => Array.isArray(value) && value.every(is);
const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Record<string, unknown> => (isRecord(value) ? value : {});
const hasTexts = (value: unknown, ...names: string[]): boolean => names.every((name) => isText(fieldsOf(value)[name]));
const hasNumbers = (value: unknown, ...names: string[]): boolean =>
  names.every((name) => Number.isFinite(fieldsOf(value)[name]));
