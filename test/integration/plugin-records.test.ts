import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordWords } from '../../src/cli/record-words.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import type { Command, ServedHob } from '../fixtures/served-hob.ts';
import { eventually, servedHob } from '../fixtures/served-hob.ts';

let hob: ServedHob;
let path: string;
let following: Command | undefined;

/** With a "P" where the log of a container's output has the mark of a line that goes on. */
const line = (n: number): string => `{"time":"2026-11-23T19:04:11.000Z"  ,"P":1,"message":"record ${n}"}\n`;
const ended = { ...running, phase: 'Backoff' as const, finishedAt: '2026-11-23T19:05:00Z' };

beforeEach(async () => {
  hob = await servedHob();
  path = join(hob.dir, 'web.jsonl');
  hob.backend.put(container('web', running));
});
afterEach(async () => {
  following?.end();
  following = undefined;
  await hob.dispose();
});

it('logs --plugin shows the records of a plugin as they are, or the last of them, from both files', async () => {
  expect(line(1).indexOf('P')).toBe(38);
  hob.backend.answers.records = { path, maxFiles: 2, live: false };
  writeFileSync(`${path}.1`, line(1) + line(2));
  writeFileSync(path, line(3));
  const all = { code: 0, stdout: line(1) + line(2) + line(3), stderr: '' };
  expect(await hob.cli('logs', '--plugin', 'EthanLog', 'web')).toEqual(all);
  expect(await hob.cli('logs', '--ethanlog', 'web', '-o', 'json')).toEqual(all);
  expect((await hob.cli('logs', '--ethanlog', 'web', '--tail', '2')).stdout).toBe(line(2) + line(3));
});

it('logs --ethanlog -f goes on over a rotation, and ends with the instance', async () => {
  hob.backend.answers.records = { path, maxFiles: 2, live: true };
  const command = hob.start(['logs', '--ethanlog', '-f', 'web']);
  following = command;
  await eventually(() => expect(hob.backend.watchers()).toBe(1));
  writeFileSync(path, line(1));
  await eventually(() => expect(command.stdout()).toBe(line(1)));
  appendFileSync(path, line(2));
  renameSync(path, `${path}.1`);
  writeFileSync(path, line(3));
  await eventually(() => expect(command.stdout()).toBe(line(1) + line(2) + line(3)));
  appendFileSync(path, line(4));
  hob.backend.put(container('web', ended));
  expect(await command.done).toMatchObject({ code: 0, stdout: line(1) + line(2) + line(3) + line(4) });
});

it('logs says what does not go together, and what hob says of a plugin that is not used', async () => {
  const wrong = async (...args: string[]): Promise<string> => (await hob.cli('logs', 'web', ...args)).stderr;
  expect(await wrong('--plugin', 'Other')).toContain('does not use the plugin Other');
  expect(await wrong('--ethanlog', '--previous')).toContain('--previous does not go with --plugin');
  expect(await wrong('--ethanlog', '--timestamps')).toContain('--timestamps does not go with --plugin');
  expect(await wrong('-o', 'json')).toContain('add --plugin');
  expect(await wrong('--ethanlog', '-o', 'yaml')).toContain('records are shown as json, not yaml');
});

it('on a terminal a record is a line for people, which does nothing to the terminal', () => {
  const record = { time: '2026-11-23T19:04:11.000Z', priority: 3, level: 'error', name: 'shop', file: 'a.c', line: 17 };
  expect(recordWords(JSON.stringify({ ...record, message: 'no\n\u001b[2Jmore' }))).toBe(
    '2026-11-23T19:04:11.000Z error     shop no\\u000a\\u001b[2Jmore (a.c:17)',
  );
  expect(recordWords('{"message":"bare","pid":3}')).toBe('bare');
  for (const other of ['no JSON', '{"event":"x"}', '[1]', 'null', '7']) expect(recordWords(other)).toBe(other);
});
