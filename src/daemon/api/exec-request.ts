import type { ExecRequest } from '../../api/wire.ts';
import type { ApiError } from './backend.ts';
import { badRequest } from './backend.ts';

/** Read the body of an exec request. @throws ApiError that names what is wrong */
export function parseExecRequest(body: string): ExecRequest {
  const { command, tty, user, cwd, env } = parseObject(body);
  if (!isTextList(command) || !command[0]) throw wrong('command', 'a list of words, the program first');
  if (typeof tty !== 'boolean') throw wrong('tty', 'true or false');
  return {
    command,
    tty,
    ...optional('user', user, isUser, '"UID" or "UID:GID"'),
    ...optional('cwd', cwd, isAbsolute, 'an absolute path'),
    ...optional('env', env, isTextList, 'a list of "NAME=value"'),
  };
}

/** `{ [field]: value }`, or nothing where the value isn't given. */
function optional<Field extends string, Value>(
  field: Field,
  value: unknown,
  isValid: (value: unknown) => value is Value,
  expected: string,
): { [F in Field]?: Value } {
  const result: { [F in Field]?: Value } = {};
  if (value === undefined) return result;
  if (!isValid(value)) throw wrong(field, expected);
  result[field] = value;
  return result;
}

const isUser = (value: unknown): value is string => typeof value === 'string' && /^\d+(:\d+)?$/.test(value);
const isAbsolute = (value: unknown): value is string => typeof value === 'string' && /^\/[^\0]*$/.test(value);

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Said below.
  }
  throw badRequest('the body is not a JSON object');
}

function isTextList(value: unknown): value is string[] {
  // No NUL: these become the arguments of a program.
  return Array.isArray(value) && value.every((item) => typeof item === 'string' && !item.includes('\0'));
}

function wrong(field: string, expected: string): ApiError {
  return badRequest(`${field} must be ${expected}`);
}
