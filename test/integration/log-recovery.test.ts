import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatRecords } from '../../src/keeper/cri.ts';
import { logFile, type LogInput } from '../../src/keeper/log-file.ts';
import { openReadBuffer } from '../../src/keeper/read-buffer.ts';
import { withoutTimes } from '../support/keeper.ts';

const output = 'one\ntwo\nthr';
const time = '2026-01-01T00:00:00.000000000Z';
const records = formatRecords(time, 'stdout', Buffer.from(output));
const earlier = `${time} stdout F earlier\n`;

let dir: string;
let path: string;
let warnings: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-recovery-'));
  path = join(dir, 'a.log');
  warnings = [];
  writeFileSync(path, earlier);
});

afterEach(() => rmSync(dir, { recursive: true }));

const openBuffer = () => openReadBuffer(join(dir, 'buffer'), (message) => warnings.push(message));

/** What a keeper leaves that has read `output` and is killed. */
function readAndDie(): void {
  openBuffer().data.write(output);
}

/** ... and is killed when the write had got so far. */
function beginToWriteAndDie(written: string): void {
  const buffer = openBuffer();
  buffer.data.write(output);
  const { ino, size } = statSync(path);
  buffer.beginWrite(output.length, { inode: ino, size });
  writeFileSync(path, written, { flag: 'a' });
}

/** The next keeper. What is in the log after it has taken over. */
function recover(): string[] {
  const input: LogInput = { stream: 'stdout', buffer: openBuffer() };
  const file = logFile({ path, maxSizeBytes: 10_000, maxFiles: 3 }, (message) => warnings.push(message));
  file.recover(input);
  file.close();
  expect(input.buffer.unwritten()).toEqual({ length: 0 });
  expect(input.buffer.partial).toBe(true);
  return withoutTimes(readFileSync(path, 'utf8'));
}

const complete = ['stdout F earlier', 'stdout F one', 'stdout F two', 'stdout P thr'];

describe('a keeper that takes over from one that was killed writes what is missing, once', () => {
  it('when output was read and nothing written', () => {
    readAndDie();
    expect(recover()).toEqual(complete);
  });

  it.each([
    ['nothing had been written', ''],
    ['half of it had been written', records.slice(0, 50)],
    ['all but a byte had been written', records.slice(0, -1)],
    ['all had been written', records],
  ])('when it was about to write and %s', (_, written) => {
    beginToWriteAndDie(written);
    expect(recover()).toEqual(complete);
  });

  it('when the file has been rotated since', () => {
    beginToWriteAndDie('');
    renameSync(path, `${path}.1`);
    expect(recover()).toEqual(complete.slice(1));
  });

  it('when the file is gone', () => {
    beginToWriteAndDie('');
    rmSync(path);
    expect(recover()).toEqual(complete.slice(1));
  });

  it('again, when it is itself killed before it comes to it', () => {
    readAndDie();
    openBuffer();
    expect(recover()).toEqual(complete);
  });
});

it('nothing is written when nothing was read', () => {
  openBuffer();
  const input: LogInput = { stream: 'stdout', buffer: openBuffer() };
  const file = logFile({ path, maxSizeBytes: 10_000, maxFiles: 3 }, () => undefined);
  file.recover(input);
  file.close();
  expect(readFileSync(path, 'utf8')).toBe(earlier);
});

it('a read that was written leaves nothing', () => {
  const input: LogInput = { stream: 'stdout', buffer: openBuffer() };
  const file = logFile({ path, maxSizeBytes: 10_000, maxFiles: 3 }, () => undefined);
  input.buffer.data.write(output);
  file.write(input, output.length);
  file.close();
  expect(openBuffer().unwritten()).toEqual({ length: 0 });
});

it.each(['', 'something else', 'x'.repeat(16 * 1024)])('a buffer file with other content is made anew', (content) => {
  writeFileSync(join(dir, 'buffer'), content);
  expect(openBuffer().unwritten()).toEqual({ length: 0 });
  expect(warnings).toEqual([]);
});

it('where there can be no buffer file, plain memory serves', () => {
  mkdirSync(join(dir, 'buffer'));
  const buffer = openBuffer();
  buffer.data.write(output);
  expect(warnings).toEqual([expect.stringContaining('plain memory')]);
});

it('the buffer file goes when it is told to', () => {
  const buffer = openBuffer();
  buffer.remove();
  buffer.unmap();
  expect(existsSync(join(dir, 'buffer'))).toBe(false);
});

it("a buffer whose file cannot be removed is in nobody's way", () => {
  const buffer = openBuffer();
  rmSync(join(dir, 'buffer'));
  mkdirSync(join(dir, 'buffer'));
  buffer.remove();
  expect(warnings).toEqual([expect.stringMatching(/buffer cannot be removed/)]);
  buffer.unmap();
});
