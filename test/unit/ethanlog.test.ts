import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Entry, timeOf } from '../../plugins/EthanLog/entry.ts';
import { createFramer } from '../../plugins/EthanLog/frames.ts';
import { createIntake } from '../../plugins/EthanLog/intake.ts';
import { journalMessage } from '../../plugins/EthanLog/journald.ts';
import { createPidMap } from '../../plugins/EthanLog/pids.ts';
import { createRateLimit } from '../../plugins/EthanLog/rate-limit.ts';
import { parseRecord } from '../../plugins/EthanLog/record.ts';
import { createRecordsFile } from '../../plugins/EthanLog/records-file.ts';
import { readSettings } from '../../plugins/EthanLog/settings.ts';

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const body = (...fields: string[]): string => fields.map((field) => `\x1f${field}`).join('');
const record = (...fields: string[]): string => `\x1e${body(...fields)}\x1e`;
const parse = (...fields: string[]) => parseRecord(Buffer.from(body(...fields)));

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-ethanlog-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** The same numbers each time. */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
}

function inPieces(stream: Buffer, roll: (below: number) => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let from = 0; from < stream.length;) {
    const to = from + 1 + roll(40);
    pieces.push(stream.subarray(from, to));
    from = to;
  }
  return pieces;
}

const framed = (pieces: readonly Buffer[]): string[] => {
  const framer = createFramer();
  return pieces.flatMap((piece) => framer.feed(piece)).map((each) => each.toString('latin1'));
};

describe('the stream', () => {
  it('is cut into the same records however it is split', () => {
    const stream = bytes([1, 2, 3, 4].map((n) => record(`L${n}`, `Mmessage ${n}`)).join(''));
    const whole = framed([stream]);
    expect(whole).toEqual([1, 2, 3, 4].map((n) => body(`L${n}`, `Mmessage ${n}`)));
    for (let cut = 0; cut <= stream.length; cut++)
      expect(framed([stream.subarray(0, cut), stream.subarray(cut)])).toEqual(whole);
    expect(framed([...stream].map((byte) => Buffer.of(byte)))).toEqual(whole);
  });

  it('may be any garbage, in any pieces: the records come out the same, and nothing is thrown', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const roll = dice(seed);
      const alphabet = [...bytes('\x1e\x1e\x1f\x1fLTPRSFNM14ab\n\0\xff')];
      const noise = (): string =>
        bytes(
          Array.from({ length: roll(700) }, () => String.fromCharCode(alphabet[roll(alphabet.length)] ?? 0)).join(''),
        ).toString('latin1');
      const stream = bytes(Array.from({ length: 5 }, (_, n) => noise() + record('L4', `M${n}`)).join(''));
      const whole = framed([stream]);
      expect(framed(inPieces(stream, roll))).toEqual(whole);
      for (const each of whole) expect(() => parseRecord(bytes(each))).not.toThrow();
      for (const each of whole) expect(each.length).toBeLessThanOrEqual(510);
    }
  });

  it('loses no record to one mark too many or too few', () => {
    const [a, b] = [body('Ma'), body('Mb')];
    expect(framed([bytes(`\x1e${a}\x1e\x1e${b}\x1e`)])).toEqual([a, b]);
    expect(framed([bytes(`\x1e${a}\x1e${b}\x1e`)])).toEqual([a, b]);
    expect(framed([bytes(`\x1e\x1e\x1e${a}\x1e\x1e\x1e${b}\x1e`)])).toEqual([a, b]);
    expect(framed([bytes(`garbage\x1e${a}\x1e`)])).toEqual([a]);
    // The first byte was read by a hob that was killed then.
    expect(framed([bytes(`${a}\x1e\x1e${b}\x1e`)])).toEqual([a, b]);
  });

  it('has records of 512 bytes, marks included, and of no more', () => {
    const text = 'x'.repeat(508);
    expect(record(`M${text}`)).toHaveLength(512);
    expect(framed([bytes(record(`M${text}`))])).toEqual([body(`M${text}`)]);
    const framer = createFramer();
    for (let n = 0; n < 100; n++) expect(framer.feed(bytes(n === 0 ? `\x1e${body(`M${text}x`)}` : text))).toEqual([]);
    expect(framer.rejected).toBe(0);
    expect(framer.feed(bytes(record('Mnext'))).map(String)).toEqual([body('Mnext')]);
    expect(framer.rejected).toBe(1);
  });
});

describe('a record', () => {
  it('has all the fields of the protocol', () => {
    expect(parse('L2', 'T0000002a.05f5e100', 'P1f', 'Rmain', 'Sa.c', 'Fgo', 'N17', 'Mno räksmörgås')).toEqual({
      level: { name: 'error', digit: 2, priority: 3 },
      monotonic: '0000002a.05f5e100',
      pid: 31,
      thread: 'main',
      file: 'a.c',
      function: 'go',
      line: 17,
      message: 'no räksmörgås',
    });
  });

  it.each([
    ['1', 'fatal', 2],
    ['2', 'error', 3],
    ['3', 'warning', 4],
    ['4', 'info', 6],
    ['5', 'debug', 7],
    ['6', 'milestone', 5],
  ])('of level %s is %s, priority %i', (digit, name, priority) => {
    expect(parse(`L${digit}`, 'Mx')?.level).toEqual({ name, digit: Number(digit), priority });
  });

  it.each([
    ['without a message', ['L4', 'Sa.c']],
    ['with a level that there is not', ['L7', 'Mx']],
    ['with a level of two digits', ['L44', 'Mx']],
    ['with a field of an unknown letter', ['L4', 'Zz', 'Mx']],
    ['with a line that is no number', ['N12a', 'Mx']],
  ])('%s is none', (_what, fields) => {
    expect(parse(...fields)).toBeUndefined();
  });

  it('keeps the first of a field that is there twice, and leaves out what is empty, but for the message', () => {
    expect(parse('L4', 'L2', 'Sa.c', 'Sb.c', 'Mone', 'Mtwo')).toMatchObject({
      level: { name: 'info' },
      file: 'a.c',
      message: 'one',
    });
    expect(parse('L', 'S', 'F', 'N', 'P', 'M')).toEqual({ message: '' });
    expect(parseRecord(Buffer.from('\x1f\x1f\x1fMx'))).toEqual({ message: 'x' });
  });

  it('is cut where a field is too long, and a pid that is none is left out', () => {
    const found = parse(
      `R${'r'.repeat(30)}`,
      `S${'s'.repeat(130)}`,
      `F${'f'.repeat(130)}`,
      `T${'t'.repeat(60)}`,
      'Pxyz',
      'Mx',
    );
    expect(found).toEqual({
      thread: 'r'.repeat(20),
      file: 's'.repeat(118),
      function: 'f'.repeat(118),
      monotonic: 't'.repeat(50),
      message: 'x',
    });
  });

  it('has the time of its own clock, or of now when that says nothing to be believed', () => {
    const now = 1_000_000_000_000n;
    const slept = 3_600_000_000_000n;
    const written = (ago: bigint): string => {
      const at = now - ago;
      return `${(at / 1_000_000_000n).toString(16).padStart(8, '0')}.${(at % 1_000_000_000n).toString(16).padStart(8, '0')}`;
    };
    const age = (text: string | undefined): number =>
      // No minus before a zero, where the clock was read twice within a millisecond.
      Math.round((Date.now() - timeOf(text, { monotonic: now, boottime: now + slept }).getTime()) / 1000) + 0;
    expect(age(written(60_000_000_000n))).toBe(60);
    // ethanlog-cat's clock counted on while the host was suspended.
    expect(age(written(60_000_000_000n - slept))).toBe(60);
    for (const text of [undefined, '', 'soon', '1.2', written(-60_000_000_000n - slept)]) expect(age(text)).toBe(0);
  });
});

describe('the data of a spec', () => {
  it('has defaults: the name of the container, and all levels', () => {
    const levels = ['fatal', 'error', 'warning', 'info', 'debug', 'milestone'];
    for (const data of [null, {}, { loglevels: ['default'] }])
      expect(readSettings('web', data)).toEqual({ name: 'web', levels });
  });

  it('names levels in capitals or not, and may name none', () => {
    expect(readSettings('web', { name: 'shop', loglevels: ['Milestone', 'FATAL', 'fatal'] })).toEqual({
      name: 'shop',
      levels: ['fatal', 'milestone'],
    });
    expect(readSettings('web', { loglevels: [] }).levels).toEqual([]);
    expect(readSettings('web', { rateLimit: { rate: 5, burstSize: 9 } }).rateLimit).toEqual({ rate: 5, burstSize: 9 });
  });

  it.each([
    ['text', /data must be an object/],
    [{ name: 7 }, /data\.name must be a string/],
    [{ name: '' }, /data\.name must be a string that is not empty/],
    [{ loglevels: 'info' }, /data\.loglevels must be a list of strings/],
    [{ loglevels: [1] }, /data\.loglevels must be a list of strings/],
    [
      { loglevels: ['info', 'notice'] },
      /data\.loglevels: there is no level "notice"; there are default, fatal, .*milestone/,
    ],
    [{ rateLimit: 5 }, /data\.rateLimit must be an object/],
    [{ rateLimit: { rate: 5 } }, /data\.rateLimit\.burstSize must be an integer of 1 or more/],
    [{ rateLimit: { rate: 0.5, burstSize: 1 } }, /data\.rateLimit\.rate must be an integer/],
    [{ rateLimit: { rate: 1, burstSize: 0 } }, /data\.rateLimit\.burstSize must be an integer of 1 or more/],
    [{ rateLimit: { rate: 1, burstSize: 1, burst: 2 } }, /data\.rateLimit\.burst is not a field/],
    [{ logLevels: [] }, /data\.logLevels is not a field/],
  ])('is refused when it is %j', (data, words) => {
    expect(() => readSettings('web', data)).toThrow(words);
  });
});

describe('what is taken in', () => {
  let clock = 0;
  let entries: Entry[] = [];
  const intake = (data: unknown, hostPid: (pid: number) => number | undefined = () => undefined) => {
    clock = 0;
    entries = [];
    return createIntake({
      settings: readSettings('web', data),
      sinks: [{ write: (more) => void entries.push(...more) }],
      pids: { hostPid },
      now: () => clock,
    });
  };
  const messages = (): string[] => entries.map(({ message }) => message);

  it('passes the levels that the spec names, and records without one', () => {
    const { take } = intake({ loglevels: ['error', 'milestone'] });
    take(bytes(['L1', 'L2', 'L3', 'L4', 'L5', 'L6', 'L'].map((level) => record(level, `M${level}`)).join('')));
    expect(messages()).toEqual(['L2', 'L6', 'L']);
  });

  it('has the pid of the host: of the process that is named, or of init', () => {
    const { take, setInit } = intake({}, (pid) => (pid === 7 ? 4007 : undefined));
    take(bytes(record('Mearly')));
    setInit(4001);
    take(bytes(record('Mnone') + record('P1', 'Mone') + record('P7', 'Mseven') + record('P8', 'Mgone')));
    expect(entries.map(({ pid }) => pid)).toEqual([undefined, 4001, 4001, 4007, 4001]);
  });

  it('is limited to a burst, then to a rate, and what was dropped is told', () => {
    const { take, end } = intake({ rateLimit: { rate: 10, burstSize: 3 } });
    const write = (count: number): void =>
      take(bytes(Array.from({ length: count }, (_, n) => record('L4', `M${n}`)).join('')));
    write(5);
    expect(messages()).toEqual(['0', '1', '2']);
    clock = 99;
    write(1);
    expect(messages()).toHaveLength(3);
    clock = 1000;
    write(1);
    expect(messages().slice(3)).toEqual(['3 records were dropped in 1.0 s: the limit is 10 a second, 3 at once', '0']);
    expect(entries[3]?.level?.name).toBe('warning');
    write(9);
    end();
    expect(messages().at(-1)).toMatch(/^7 records were dropped/);
  });

  it('costs nothing of the limit when its level is not wanted', () => {
    const { take } = intake({ loglevels: ['error'], rateLimit: { rate: 1, burstSize: 1 } });
    take(bytes(record('L4', 'Mno').repeat(50) + record('L2', 'Myes')));
    expect(messages()).toEqual(['yes']);
  });

  it('tells at the end what was no record', () => {
    const { take, end } = intake({});
    take(bytes(`noise${record('L4')}${record('L4', 'Mx')}`));
    end();
    expect(messages()).toEqual(['x', '2 records were no records, and were left out']);
  });

  it('has its last record at the end, where the mark after it is missing; half of something is told as none', () => {
    const { take, end } = intake({});
    take(bytes(`\x1e${body('L2', 'Mlast words')}`));
    expect(messages()).toEqual([]);
    end();
    expect(messages()).toEqual(['last words']);
    const other = intake({});
    other.take(bytes(`${record('Mx')}\x1e${body('L2')}`));
    other.end();
    expect(messages()).toEqual(['x', '1 records were no records, and were left out']);
  });
});

describe('the limit of the rate', () => {
  it('gives tokens back with time, to the size of a burst and no further', () => {
    let clock = 0;
    const limit = createRateLimit({ rate: 2, burstSize: 2 }, () => clock);
    const admitted = (tries: number): number =>
      Array.from({ length: tries }, () => limit.admits()).filter(Boolean).length;
    expect(admitted(5)).toBe(2);
    clock = 500;
    expect(admitted(5)).toBe(1);
    clock = 3_600_000;
    expect(admitted(5)).toBe(2);
    expect(limit.takeRefusals()).toEqual({ count: 10, seconds: 3600 });
    expect(limit.takeRefusals()).toBeUndefined();
  });
});

describe('the file of records', () => {
  const entry = (message: string): Entry => ({ time: new Date(0), name: 'web', message });

  it('has an object a line, in the words of journald', () => {
    const path = join(dir, 'web.jsonl');
    const level = { name: 'error', digit: 2, priority: 3 } as const;
    createRecordsFile(path).write([
      { ...entry('two\nlines'), level, pid: 7, file: 'a.c', line: 3, monotonic: '0.1' },
      entry('x'),
    ]);
    expect(readFileSync(path, 'utf8')).toBe(
      '{"time":"1970-01-01T00:00:00.000Z","priority":3,"level":"error","name":"web","message":"two\\nlines","pid":7,"file":"a.c","line":3,"monotonic":"0.1"}\n' +
        '{"time":"1970-01-01T00:00:00.000Z","name":"web","message":"x"}\n',
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('is put aside when it is large, one time', () => {
    const path = join(dir, 'web.jsonl');
    const file = createRecordsFile(path, 200);
    for (let n = 0; n < 10; n++) file.write([entry(`message ${n}`)]);
    const all = readFileSync(`${path}.1`, 'utf8') + readFileSync(path, 'utf8');
    expect(
      all
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as Entry).message),
    ).toEqual(['message 6', 'message 7', 'message 8', 'message 9']);
  });

  it('has whole lines only, also after a death in the middle of one', () => {
    const path = join(dir, 'web.jsonl');
    createRecordsFile(path).write([entry('whole')]);
    writeFileSync(path, '{"time":"1970', { flag: 'a' });
    createRecordsFile(path).write([entry('next')]);
    expect(readFileSync(path, 'utf8').match(/"message":"\w+"}\n/g)).toEqual([
      '"message":"whole"}\n',
      '"message":"next"}\n',
    ]);
    expect(readFileSync(path, 'utf8').split('\n')).toHaveLength(3);
  });

  it('says how many records it could not take, once it can again', () => {
    const path = join(dir, 'later', 'web.jsonl');
    const file = createRecordsFile(path);
    file.write([entry('lost'), entry('lost')]);
    file.write([entry('lost')]);
    mkdirSync(join(dir, 'later'));
    file.write([entry('kept')]);
    const lines = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Entry);
    expect(lines.map(({ message }) => message)).toEqual([`3 records could not be written to ${path}`, 'kept']);
  });
});

it('a message to journald has a line a field, and the length of what is longer than a line', () => {
  const length = Buffer.alloc(8);
  length.writeUInt32LE(8);
  expect(
    journalMessage([
      ['PRIORITY', '3'],
      ['MESSAGE', 'zwölf\nx'],
      ['CODE_FILE', 'a=b'],
    ]),
  ).toEqual(Buffer.concat([bytes('PRIORITY=3\nMESSAGE\n'), length, Buffer.from('zwölf\nx\nCODE_FILE=a=b\n')]));
});

it('processes are found by the number that they have in their own namespace, with one look at many', () => {
  writeFileSync(join(dir, 'cgroup.procs'), `${process.pid}\n2147483647\n`);
  let clock = 0;
  let looks = 0;
  const pids = createPidMap(
    () => (looks++, dir),
    () => clock,
  );
  expect(pids.hostPid(process.pid)).toBe(process.pid);
  expect(pids.hostPid(99_999_999)).toBeUndefined();
  expect(looks).toBe(1);
  clock = 1000;
  rmSync(join(dir, 'cgroup.procs'));
  expect(pids.hostPid(99_999_999)).toBeUndefined();
  expect(pids.hostPid(process.pid)).toBeUndefined();
  expect(looks).toBe(2);
});
