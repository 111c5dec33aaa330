import { describe, expect, it } from 'vitest';
import { monotoneClock } from '../../src/keeper/clock.ts';
import { countNewlines, endsInPart, formatRecords } from '../../src/keeper/cri.ts';

const time = '2026-01-01T00:00:00.000000001Z';
const format = (text: string | Buffer): string => formatRecords(time, 'stdout', Buffer.from(text));

describe('a CRI record', () => {
  it.each([
    ['one line', 'a\n', [`${time} stdout F a`]],
    ['lines', 'a\nb c\n', [`${time} stdout F a`, `${time} stdout F b c`]],
    ['empty lines', '\n\n', [`${time} stdout F `, `${time} stdout F `]],
    ['a line that goes on', 'a\nb', [`${time} stdout F a`, `${time} stdout P b`]],
    ['only a part', 'b', [`${time} stdout P b`]],
    ['a dollar and a carriage return', "$& $1 $' \r\n", [`${time} stdout F $& $1 $' \r`]],
  ])('is made of %s', (_, text, records) => {
    expect(format(text)).toBe(records.map((record) => `${record}\n`).join(''));
  });

  it('keeps every byte as it is', () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 10));
    const record = Buffer.from(format(bytes), 'latin1');
    expect(record.subarray(`${time} stdout P `.length, -1)).toEqual(bytes);
  });
});

it('output ends in a part when its last byte is no newline', () => {
  expect(endsInPart(Buffer.from('a\n'))).toBe(false);
  expect(endsInPart(Buffer.from('a\nb'))).toBe(true);
});

it('newlines are counted', () => {
  expect([countNewlines(Buffer.from('\na\n\nb'))]).toEqual([3]);
});

describe('the monotone clock', () => {
  const times = (...moments: [number, number][]): string[] => {
    const left = moments.map(([seconds, nanoseconds]) => ({ seconds, nanoseconds }));
    const clock = monotoneClock(() => left.shift() ?? { seconds: 0, nanoseconds: 0 });
    return moments.map(() => clock());
  };

  it('writes nine digits of a second', () => {
    expect(times([1767225600, 5])).toEqual(['2026-01-01T00:00:00.000000005Z']);
  });

  it('does not follow a clock that is set back a little', () => {
    const [first, second, third] = times([1000, 500], [1000, 400], [990, 0]);
    expect([second, third]).toEqual([first, first]);
  });

  it('follows a clock that is set back by much', () => {
    expect(times([1_000_000, 0], [1000, 0])[1]).toBe('1970-01-01T00:16:40.000000000Z');
  });
});
