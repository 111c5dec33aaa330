import { wordsOf } from '../host/errors.ts';
import { type AddedMount, assignmentFault, mountFault, type PluginAdditions } from './start-state/additions.ts';
import { bindSourceFault } from './start-state/bind-source.ts';
import type { HookPoint } from './plugin.ts';
import { failed, type HookOutcome } from './registered-plugin.ts';
import { MAX_OUTPUT_BYTES, type ProcessResult } from './run-process.ts';

const STDERR_TAIL = 400;
const knownFields = ['ok', 'message', 'env', 'mounts'];
const mountFields = ['source', 'destination', 'type', 'options'];

interface Answer {
  readonly ok: boolean;
  readonly message: string | undefined;
  readonly additions: PluginAdditions;
}

/** What the end of a hook's process means. */
export function outcomeOfProcess(result: ProcessResult, point: HookPoint): HookOutcome {
  const { code, signal, stdout } = result;
  if (signal !== null) return failed('PluginCrashed', withStderr(`its process was ended by ${signal}`, result));
  if (stdoutIsCut(result)) return failed('BadAnswer', `it wrote more than ${MAX_OUTPUT_BYTES / 1024} KiB to stdout`);
  try {
    const answer = readAnswer(stdout, point);
    if (code !== 0) return failed('HookFailed', answer.message ?? withStderr(`it exited with code ${code}`, result));
    if (answer.ok) return { ok: true, additions: answer.additions };
    return failed('HookFailed', answer.message ?? withStderr('it answered false', result));
  } catch (error) {
    // A script that failed half-way may well have printed something else first: the code says more than that.
    if (code !== 0) return failed('HookFailed', withStderr(`it exited with code ${code}`, result));
    return failed('BadAnswer', wordsOf(error));
  }
}

/** Parse JSON that a plugin printed; what it printed is quoted when it is none. */
export function parsePrinted(stdout: string): unknown {
  try {
    return JSON.parse(stdout);
  } catch {
    throw new Error(`it printed something that is not JSON to stdout: ${JSON.stringify(stdout.slice(0, 80))}`);
  }
}

export const withStderr = (what: string, { stderr }: ProcessResult): string => {
  const tail = stderr.trim().slice(-STDERR_TAIL);
  return tail === '' ? what : `${what}; stderr: ${tail}`;
};

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const stdoutIsCut = ({ truncated, stdout }: ProcessResult): boolean =>
  truncated && Buffer.byteLength(stdout) >= MAX_OUTPUT_BYTES;

function readAnswer(stdout: string, point: HookPoint): Answer {
  if (stdout.trim() === '') return { ok: true, message: undefined, additions: { env: [], mounts: [] } };
  const answer = parsePrinted(stdout);
  if (!isObject(answer)) throw new Error('its answer must be a JSON object like {"ok": true}');
  checkFields(answer, knownFields, 'its answer');
  const { ok = true, message, env = [], mounts = [] } = answer;
  if (typeof ok !== 'boolean') throw new Error('"ok" in its answer must be true or false');
  const words = readMessage(message);
  const additions = { env: readEnv(env), mounts: readMounts(mounts) };
  if (point !== 'postConstruction' && additions.env.length + additions.mounts.length > 0)
    throw new Error(`only postConstruction can add env and mounts; ${point} is too late`);
  return { ok, message: words, additions };
}

function checkFields(value: Record<string, unknown>, known: readonly string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined)
    throw new Error(`${where} has an unknown field "${unknown}"; there are ${known.join(', ')}`);
}

/** An empty one says less than what hob can say without it. */
function readMessage(message: unknown = ''): string | undefined {
  if (typeof message !== 'string') throw new Error('"message" in its answer must be a string');
  return message.trim() === '' ? undefined : message;
}

function readEnv(env: unknown): string[] {
  if (!Array.isArray(env)) throw new Error('"env" in its answer must be a list of "NAME=value"');
  return env.map((assignment: unknown) => {
    const fault = assignmentFault(assignment);
    if (fault !== undefined) throw new Error(`"env" in its answer: ${fault}`);
    return String(assignment);
  });
}

function readMounts(mounts: unknown): AddedMount[] {
  if (!Array.isArray(mounts)) throw new Error('"mounts" in its answer must be a list');
  return mounts.map((mount: unknown) => readMount(mount));
}

function readMount(value: unknown): AddedMount {
  if (!isObject(value)) throw new Error('"mounts" in its answer: a mount must be an object');
  checkFields(value, mountFields, 'a mount in its answer');
  const mount = {
    source: textOf(value['source'] ?? ''),
    destination: textOf(value['destination'] ?? ''),
    type: textOf(value['type'] ?? 'bind'),
    options: textsOf(value['options'] ?? []),
  };
  const fault = mountFault(mount) ?? bindSourceFault(mount);
  if (fault !== undefined) throw new Error(`"mounts" in its answer: ${fault}`);
  return mount;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new Error(`a mount in its answer has ${JSON.stringify(value)} where a string was expected`);
}

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.map(textOf);
  throw new Error('"options" of a mount in its answer must be a list of strings');
}
