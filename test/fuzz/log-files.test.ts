import { ok, strictEqual } from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { formatRecords } from '../../src/keeper/cri.ts';
import { readLines, readLog } from '../../src/runtime/container-logs.ts';
import { holds, mutatedBytes, mutatedText, patience, scratch } from '../support/fuzz.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = scratch();
  path = join(dir, 'x.log');
});
afterEach(() => rmSync(dir, { recursive: true }));

const time = '2026-01-01T00:00:00.000000000Z';
const record = (text: string, stream: 'stdout' | 'stderr' = 'stdout'): string =>
  formatRecords(time, stream, Buffer.from(text));

const sound = [
  record('one\ntwo\nthree\n'),
  record('begun') + record(' and ended\n'),
  record('out', 'stdout') + record('err\n', 'stderr') + record('put\n', 'stdout'),
  record('\n\n\n'),
  record('no end'),
  record(`${'long '.repeat(100)}\n`),
  '',
];

const content = fc.oneof(
  mutatedText(...sound),
  mutatedBytes(...sound.filter((text) => text !== '')),
  fc
    .array(fc.constantFrom(...sound, '\n', 'P', ' stdout P ', time, '\0'.repeat(200)), { maxLength: 12 })
    .map((all) => all.join('')),
);

const collect = async <Line>(lines: AsyncIterable<Line>): Promise<Line[]> => {
  const all: Line[] = [];
  for await (const line of lines) all.push(line);
  return all;
};

describe('a log with anything in it', () => {
  it(
    'is read without a throw, each line in time, with no newline in it; and its last lines are the last of all',
    () =>
      holds(fc.tuple(content, fc.option(content), fc.nat(6)), 500, async ([newest, older, tail]) => {
        writeFileSync(path, newest);
        if (older === null) rmSync(`${path}.1`, { force: true });
        else writeFileSync(`${path}.1`, older);
        const file = { path, maxFiles: 3 };
        const lines = await collect(readLog(file));
        for (const { text, time: at, stream } of lines) {
          ok(!text.includes(10) && /^std(out|err)$/.test(stream));
          strictEqual(Buffer.byteLength(at, 'latin1'), 30);
        }
        const last = await collect(readLog({ ...file, tail }));
        ok(last.length <= lines.length);
        await collect(readLog({ ...file, sinceTime: new Date(0) }));
      }),
    patience,
  );

  it(
    'as records of a plugin is read line by line, and its last lines are the last of all',
    () =>
      holds(fc.tuple(content, fc.nat(6)), 500, async ([newest, tail]) => {
        writeFileSync(path, newest);
        const file = { path, maxFiles: 1 };
        const all = (await collect(readLines(file))).map(String);
        const last = (await collect(readLines({ ...file, tail }))).map(String);
        const isEnded = newest.length === 0 || Buffer.from(newest).at(-1) === 10;
        if (isEnded) strictEqual(last.join('\n'), all.slice(Math.max(0, all.length - tail)).join('\n'));
      }),
    patience,
  );
});
