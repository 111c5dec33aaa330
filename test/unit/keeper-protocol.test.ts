import { describe, expect, it } from 'vitest';
import { lineReader } from '../../src/keeper/protocol.ts';
import { InvalidRequest, parseRequest } from '../../src/keeper/requests.ts';

function linesOf(pieces: readonly string[], limit = 100): { lines: string[]; tooLong: number } {
  const result = { lines: [] as string[], tooLong: 0 };
  const read = lineReader(
    (line) => void result.lines.push(line),
    () => void result.tooLong++,
    limit,
  );
  for (const piece of pieces) read(Buffer.from(piece));
  return result;
}

describe('the line reader', () => {
  it('finds the same lines however they are cut', () => {
    const text = 'one\n\ntwo ü three\nfour';
    const bytes = Buffer.from(text);
    for (let cut = 1; cut < bytes.length; cut++) {
      const lines: string[] = [];
      const read = lineReader(
        (line) => void lines.push(line),
        () => undefined,
        100,
      );
      for (let from = 0; from < bytes.length; from += cut) read(bytes.subarray(from, from + cut));
      expect(lines).toEqual(['one', '', 'two ü three']);
    }
  });

  it('gives up on a line that is too long, once, with no line after it', () => {
    expect(linesOf(['short\n', 'x'.repeat(60), 'x'.repeat(60), 'x\n', 'more\n'])).toEqual({
      lines: ['short'],
      tooLong: 1,
    });
  });

  it('takes a line that is just as long as it may be', () => {
    expect(linesOf([`${'x'.repeat(100)}\n`])).toEqual({ lines: ['x'.repeat(100)], tooLong: 0 });
  });
});

const valid = {
  hello: { op: 'hello', version: 1 },
  start: { op: 'start', argv: ['true'], env: { A: 'b' }, cwd: '/', stdout: '/a', stderr: '/b' },
  run: { op: 'run', argv: ['true', ''], stdin: '', timeoutMs: 1, maxOutputBytes: 5, endsWithClient: true },
  cancel: { op: 'cancel', request: 3 },
  attachLog: {
    op: 'attachLog',
    key: 'k',
    streams: [{ fifo: '/f', stream: 'stdout' }],
    path: '/p',
    maxSizeBytes: 1,
    maxFiles: 1,
  },
  startWithDescriptors: {
    op: 'start',
    argv: ['true'],
    descriptors: { pid: 7, stdin: 0, fds: [5, 6, 5], hold: { key: 'k', fds: [6] } },
  },
  hold: { op: 'hold', key: 'k', pid: 7, fds: [5] },
  drainLog: { op: 'drainLog', key: 'k' },
  release: { op: 'release', key: 'k' },
  retire: { op: 'retire' },
};

describe('a request', () => {
  it.each(Object.entries(valid))('%s is taken as it is', (_, request) => {
    expect(parseRequest(JSON.stringify({ id: 7, ...request }))).toEqual({ id: 7, request });
  });

  it.each([
    ['no JSON', 'nonsense', null],
    ['no object', '[1]', null],
    ['no id', '{"op":"retire"}', null],
    ['an unknown op', '{"id":1,"op":"dance"}', 1],
    ['no program', '{"id":1,"op":"start","argv":[]}', 1],
    ['an empty program', '{"id":1,"op":"start","argv":[""]}', 1],
    ['a NUL in an argument', '{"id":1,"op":"start","argv":["a","b\\u0000c"]}', 1],
    ['a number in the environment', '{"id":1,"op":"start","argv":["a"],"env":{"A":1}}', 1],
    ...[
      null,
      [],
      { fds: [] },
      { pid: 0, fds: [] },
      { pid: '7', fds: [] },
      { pid: 7 },
      { pid: 7, fds: 5 },
      { pid: 7, fds: [-1] },
      { pid: 7, fds: [1.5] },
      { pid: 7, fds: [], stdin: '0' },
      { pid: 7, fds: [5], hold: null },
      { pid: 7, fds: [5], hold: { key: '', fds: [5] } },
      { pid: 7, fds: [5], hold: { fds: [5] } },
      { pid: 7, fds: [5], hold: { key: 'k', fds: [6] } },
    ].map((descriptors): [string, string, number] => [
      `the descriptors ${JSON.stringify(descriptors)}`,
      JSON.stringify({ id: 1, op: 'start', argv: ['a'], descriptors }),
      1,
    ]),
    ['no process to hold descriptors of', '{"id":1,"op":"hold","key":"k","fds":[5]}', 1],
    ['a key that is no string', '{"id":1,"op":"release","key":1}', 1],
    ['no time limit', '{"id":1,"op":"run","argv":["a"]}', 1],
    ['a negative time limit', '{"id":1,"op":"run","argv":["a"],"timeoutMs":-1}', 1],
    [
      'a log without streams',
      '{"id":1,"op":"attachLog","key":"k","streams":[],"path":"/p","maxSizeBytes":1,"maxFiles":1}',
      1,
    ],
    [
      'a relative log path',
      '{"id":1,"op":"attachLog","key":"k","streams":[{"fifo":"/f","stream":"stdout"}],"path":"p","maxSizeBytes":1,"maxFiles":1}',
      1,
    ],
  ])('with %s is refused', (_, line, id) => {
    expect(() => parseRequest(line)).toThrow(InvalidRequest);
    expect(() => parseRequest(line)).toThrow(expect.objectContaining({ id }));
  });

  it('with any field taken away or made something else is taken or refused, and breaks nothing', () => {
    const oddities: unknown[] = [undefined, null, 0, -1, 1.5, '', 'x', [], {}, [null], true, '\0', Number.MAX_VALUE];
    const requests = Object.values(valid).flatMap((request) =>
      Object.keys(request).flatMap((field) => oddities.map((oddity) => ({ id: 1, ...request, [field]: oddity }))),
    );
    let refused = 0;
    for (const request of requests) {
      try {
        parseRequest(JSON.stringify(request));
      } catch (error) {
        expect(error).toBeInstanceOf(InvalidRequest);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
  });
});
