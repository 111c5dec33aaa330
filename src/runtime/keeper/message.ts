import { isPid } from '../../host/libc.ts';
import type { Held, Hello, Message } from '../../keeper/protocol.ts';
import { isRecord, parseRecord } from '../json.ts';

/**
 * Read one line of what a keeper says. Undefined when it is none of the protocol's messages: whoever speaks there is no keeper, or its
 * words got lost on the way. What is in an answer that went well is not looked at: it is of this very version, `hello` has made sure.
 */
export function readMessage(line: string): Message | undefined {
  const message = parseRecord(line);
  return isMessage(message) ? message : undefined;
}

function isMessage(message: Record<string, unknown>): message is Message & Record<string, unknown> {
  const { event, key, id, ok, error, message: words } = message;
  if (event === 'outputLost') return typeof key === 'string' && typeof words === 'string';
  if (event !== undefined) return event === 'logEnded' && typeof key === 'string';
  if (error !== undefined) return (typeof id === 'number' || id === null) && isFailure(error);
  return typeof id === 'number' && ok !== undefined;
}

/** Whether an answer to `hello`, of any version, can be acted upon. */
export function isHello(answer: unknown): answer is Hello {
  if (!isRecord(answer)) return false;
  const { version, pid, held } = answer;
  return typeof version === 'number' && isPidOf(pid) && (held === undefined || isHeldList(held));
}

const isHeldList = (held: unknown): held is Held[] => Array.isArray(held) && held.every(isHeld);

function isHeld(held: unknown): held is Held {
  if (!isRecord(held) || typeof held['key'] !== 'string' || !isFds(held['fds'])) return false;
  const { started } = held;
  return started === undefined || (isRecord(started) && isPidOf(started['pid']) && isFds(started['fds']));
}

const isPidOf = (value: unknown): boolean => typeof value === 'number' && isPid(value);

const isFds = (fds: unknown): fds is number[] =>
  Array.isArray(fds) && fds.every((fd) => Number.isSafeInteger(fd) && Number(fd) >= 0);

const isFailure = (error: unknown): boolean =>
  isRecord(error) && typeof error['code'] === 'string' && typeof error['message'] === 'string';
