import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatRecords } from '../../src/keeper/cri.ts';
import { rotatingFile } from '../../src/keeper/rotating-file.ts';
import { readLog, type LogLine, type ReadLogOptions } from '../../src/runtime/container-logs.ts';

let dir: string;
let path: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-logs-'));
  path = join(dir, 'logs/a.log');
  mkdirSync(dirname(path));
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Records as the keeper writes them, a second apart: `['out one', 'err two', 'out+ begun']`; a plus means that the line goes on. */
function records(texts: readonly string[], firstSecond = 0): string {
  return texts
    .map((text, at) => {
      const [, name, more, words = ''] = /^(out|err)(\+?) (.*)$/.exec(text) ?? [];
      const time = `2026-01-01T00:00:${String(firstSecond + at).padStart(2, '0')}.000000000Z`;
      return formatRecords(time, name === 'err' ? 'stderr' : 'stdout', Buffer.from(more ? words : `${words}\n`));
    })
    .join('');
}

const asText = ({ stream, text }: LogLine): string => `${stream.slice(3)} ${text.toString()}`;

async function lines(options: Partial<ReadLogOptions> = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const line of readLog({ path, maxFiles: 3, ...options })) found.push(asText(line));
  return found;
}

describe('a log is read', () => {
  it('with the times, streams and texts of its lines', async () => {
    writeFileSync(path, records(['out one', 'err two']));
    const found: LogLine[] = [];
    for await (const line of readLog({ path, maxFiles: 3 })) found.push(line);
    expect(found).toEqual([
      { time: '2026-01-01T00:00:00.000000000Z', stream: 'stdout', text: Buffer.from('one') },
      { time: '2026-01-01T00:00:01.000000000Z', stream: 'stderr', text: Buffer.from('two') },
    ]);
  });

  it('from the oldest file to the newest', async () => {
    writeFileSync(`${path}.2`, records(['out 1', 'out 2']));
    writeFileSync(`${path}.1`, records(['out 3']));
    writeFileSync(path, records(['out 4']));
    expect(await lines()).toEqual(['out 1', 'out 2', 'out 3', 'out 4']);
  });

  it('with lines put together again, over the edge of a file and through the other stream', async () => {
    writeFileSync(`${path}.1`, records(['out+ be', 'err other']));
    writeFileSync(path, records(['out+ gun', 'out  and ended', 'out next']));
    expect(await lines()).toEqual(['err other', 'out begun and ended', 'out next']);
  });

  it('with a last line that has no end yet', async () => {
    writeFileSync(path, records(['out one', 'out+ tw']));
    expect(await lines()).toEqual(['out one', 'out tw']);
  });

  it('without what is no record, and without a record that is half written', async () => {
    writeFileSync(path, `nonsense\n${records(['out one'])}\n \n${records(['out two']).slice(0, -2)}`);
    expect(await lines()).toEqual(['out one']);
  });

  it('as nothing when there is none', async () => {
    expect(await lines()).toEqual([]);
    expect(await lines({ tail: 3 })).toEqual([]);
    expect(await lines({ path: join(dir, 'no/such.log') })).toEqual([]);
  });

  it('in parts when a line never ends', async () => {
    const piece = `out+ ${'x'.repeat(16_000)}`;
    writeFileSync(path, records(Array<string>(60).fill(piece)).repeat(3));
    const found = await lines();
    expect(found.length).toBeGreaterThan(1);
    expect(found.map((line) => line.length - 'out '.length).reduce((sum, length) => sum + length)).toBe(180 * 16_000);
  });

  it('long as it is, whole', async () => {
    const texts = Array.from({ length: 50_000 }, (_, at) => `out line ${at}`);
    writeFileSync(path, texts.map((text) => records([text])).join(''));
    expect(await lines()).toEqual(texts);
  });
});

describe('the last lines of a log', () => {
  const texts = ['out 1', 'err 2', 'out+ 3 begun', 'out  and ended', 'out 4'];
  const whole = ['out 1', 'err 2', 'out 3 begun and ended', 'out 4'];

  it.each([0, 1, 2, 3, 4, 5])('are as many as asked for: %i', async (tail) => {
    writeFileSync(path, records(texts));
    expect(await lines({ tail })).toEqual(tail === 0 ? [] : whole.slice(-tail));
  });

  it.each([0, 1, 2, 3, 4, 5])('are taken from older files where the newest has too few: %i', async (tail) => {
    writeFileSync(`${path}.2`, records(texts.slice(0, 2)));
    writeFileSync(`${path}.1`, records(texts.slice(2, 4)));
    writeFileSync(path, records(texts.slice(4)));
    expect(await lines({ tail })).toEqual(tail === 0 ? [] : whole.slice(-tail));
  });

  it.each([1, 2, 3])('are whole when a file ends in the middle of one: %i', async (tail) => {
    writeFileSync(`${path}.1`, records(texts.slice(0, 3)));
    writeFileSync(path, records(texts.slice(3)));
    expect(await lines({ tail })).toEqual(whole.slice(-tail));
  });

  it('count one that has no end yet', async () => {
    writeFileSync(path, records(['out 1', 'out 2', 'out+ 3']));
    expect(await lines({ tail: 2 })).toEqual(['out 2', 'out 3']);
  });

  it.each([1, 700, 5000, 19_999, 20_000])('are found in a large file: %i', async (tail) => {
    const many = Array.from({ length: 90 }, (_, at) => `out ${'x'.repeat(at % 90)}${at}`);
    writeFileSync(path, many.map((text) => records([text])).join(''));
    expect(await lines({ tail })).toEqual(many.slice(-tail));
  });
});

describe('what is older than asked for is left out', () => {
  const sinceTime = new Date('2026-01-01T00:00:02Z');

  it('in one file', async () => {
    writeFileSync(path, records(['out 0', 'out 1', 'out 2', 'out 3']));
    expect(await lines({ sinceTime })).toEqual(['out 2', 'out 3']);
  });

  it('and whole files of it are not even read', async () => {
    writeFileSync(`${path}.1`, records(['out wrong'], 5));
    utimesSync(`${path}.1`, new Date('2026-01-01T00:00:00Z'), new Date('2026-01-01T00:00:00Z'));
    writeFileSync(path, records(['out 2'], 2));
    expect(await lines({ sinceTime })).toEqual(['out 2']);
  });

  it('after the last lines were counted', async () => {
    writeFileSync(path, records(['out 0', 'out 1', 'out 2', 'out 3']));
    expect(await lines({ sinceTime, tail: 1 })).toEqual(['out 3']);
    expect(await lines({ sinceTime, tail: 3 })).toEqual(['out 2', 'out 3']);
  });
});

describe('a log that is followed', () => {
  /** Follow the log until so many lines have come; `step` is called after each. */
  async function follow(
    count: number,
    step: (soFar: number) => void,
    options: Partial<ReadLogOptions> = {},
  ): Promise<string[]> {
    const abort = new AbortController();
    const found: string[] = [];
    step(0);
    for await (const line of readLog({ path, maxFiles: 3, follow: true, signal: abort.signal, ...options })) {
      found.push(asText(line));
      if (found.length === count) abort.abort();
      else step(found.length);
    }
    return found;
  }

  const append = (...texts: string[]): void => appendFileSync(path, records(texts));

  it('goes on with what comes', async () => {
    append('out 0');
    expect(await follow(4, (soFar) => soFar > 0 && append(`out ${soFar}`))).toEqual([
      'out 0',
      'out 1',
      'out 2',
      'out 3',
    ]);
  });

  it('goes on through rotation, several at once too', async () => {
    append('out 0');
    const rotate = (soFar: number): void => {
      if (soFar === 0) return;
      append(`out ${soFar}a`);
      renameSync(path, `${path}.1`);
      append(`out ${soFar}b`);
      renameSync(`${path}.1`, `${path}.2`);
      renameSync(path, `${path}.1`);
      append(`out ${soFar}c`);
    };
    expect(await follow(4, (soFar) => soFar < 2 && rotate(soFar))).toEqual(['out 0', 'out 1a', 'out 1b', 'out 1c']);
  });

  it('begins anew when it is emptied', async () => {
    append('out a long line to begin with');
    const found = follow(2, (soFar) => {
      if (soFar !== 1) return;
      truncateSync(path);
      append('out new');
    });
    expect(await found).toEqual(['out a long line to begin with', 'out new']);
  });

  it('may come later, and its directory too', async () => {
    rmSync(dirname(path), { recursive: true });
    const found = follow(1, () => undefined);
    setImmediate(() => {
      mkdirSync(dirname(path));
      append('out late');
    });
    expect(await found).toEqual(['out late']);
  });

  it('waits for the end of a line', async () => {
    append('out+ be');
    const found = follow(1, () => undefined);
    setImmediate(() => append('out gun'));
    expect(await found).toEqual(['out begun']);
  });

  it('begins with its last lines when so asked', async () => {
    append('out 0', 'out 1', 'out 2');
    expect(await follow(2, (soFar) => soFar === 1 && append('out 3'), { tail: 1 })).toEqual(['out 2', 'out 3']);
  });

  it('ends when nobody wants it any more, though nothing comes', async () => {
    expect(await lines({ follow: true, signal: AbortSignal.timeout(50) })).toEqual([]);
    expect(await lines({ follow: true, signal: AbortSignal.abort() })).toEqual([]);
  });

  it('reads all that is there when nothing more will come', async () => {
    append(...Array.from({ length: 90 }, (_, at) => `out ${at}`));
    expect(await lines({ follow: true, over: AbortSignal.abort() })).toHaveLength(90);
  });

  it('misses nothing that is written fast', async () => {
    const count = 3000;
    const file = rotatingFile({ path, maxSizeBytes: 20_000, maxFiles: 1000 });
    let written = 0;
    const writeSome = (): void => {
      for (let i = 0; i < 50 && written < count; i++) {
        const text = records([`out ${written++}`]);
        file.append(text, file.prepare(text.length));
      }
      if (written < count) setImmediate(writeSome);
    };
    setImmediate(writeSome);
    const found = await follow(count, () => undefined, { maxFiles: 1000 });
    file.close();
    expect(found).toEqual(Array.from({ length: count }, (_, at) => `out ${at}`));
  });
});
