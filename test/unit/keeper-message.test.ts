import { expect, it } from 'vitest';
import { isHello, readMessage } from '../../src/runtime/keeper/message.ts';

it.each([
  '',
  'no JSON',
  'null',
  '5',
  '[]',
  '{}',
  '{"id":1}',
  '{"id":1,"error":5}',
  '{"event":"logEnded","key":5}',
  '{"event":"outputLost","key":"k"}',
])('a line that is no message of a keeper is known for that: %j', (line) => {
  expect(readMessage(line)).toBeUndefined();
});

it.each([
  '{"id":1,"ok":null}',
  '{"id":null,"error":{"code":"FAILED","message":"why"}}',
  '{"event":"logEnded","key":"k"}',
  '{"event":"outputLost","key":"k","message":"why"}',
])('a message of a keeper is read: %s', (line) => {
  expect(readMessage(line)).toEqual(JSON.parse(line));
});

it('a keeper is one that says who it is', () => {
  const hello = { version: 2, pid: 12, logs: [], held: [{ key: 'k', fds: [3], started: { pid: 7, fds: [3] } }] };
  expect(isHello(hello)).toBe(true);
  expect(isHello({ version: 1, pid: 12, logs: [] })).toBe(true);
  for (const odd of [
    null,
    { ...hello, pid: 2 ** 32 + 1 },
    { ...hello, held: null },
    { ...hello, held: [{ key: 'k', fds: [-1] }] },
  ])
    expect(isHello(odd)).toBe(false);
});
