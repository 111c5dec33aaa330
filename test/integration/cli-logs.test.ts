import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectTo } from '../../src/cli/client.ts';
import { container, running } from '../fixtures/fake-backend.ts';
import type { Command, ServedHob } from '../fixtures/served-hob.ts';
import { eventually, servedHob } from '../fixtures/served-hob.ts';

let hob: ServedHob;
let path: string;
let following: Command | undefined;

const line = (n: number): string => `2026-11-23T19:04:11.${String(n).padStart(9, '0')}Z stdout F line ${n}\n`;
const ended = { ...running, phase: 'Backoff' as const, finishedAt: '2026-11-23T19:05:00Z' };

beforeEach(async () => {
  hob = await servedHob();
  path = join(hob.dir, 'web.log');
  hob.backend.put(container('web', running));
  hob.backend.answers.log = { path, maxFiles: 3, live: false };
});

afterEach(async () => {
  following?.end();
  following = undefined;
  await hob.dispose();
});

function follow(...args: string[]): Command {
  hob.backend.answers.log = { path, maxFiles: 3, live: true };
  following = hob.start(['logs', '-f', 'web', ...args]);
  return following;
}

it('logs shows what was printed, or the end of it, with times if asked', async () => {
  writeFileSync(path, [1, 2, 3].map(line).join(''));
  expect(await hob.cli('logs', 'web')).toEqual({ code: 0, stdout: 'line 1\nline 2\nline 3\n', stderr: '' });
  expect((await hob.cli('logs', 'container/web', '--tail', '2')).stdout).toBe('line 2\nline 3\n');
  expect((await hob.cli('logs', 'web', '--tail=0')).stdout).toBe('');
  expect((await hob.cli('logs', 'web', '--tail=-1')).stdout).toContain('line 1\n');
  expect((await hob.cli('logs', 'web', '--tail', '1', '--timestamps')).stdout).toBe(
    '2026-11-23T19:04:11.000000003Z line 3\n',
  );
});

it('logs of a container that has printed nothing is empty, and of none an error', async () => {
  expect(await hob.cli('logs', 'web')).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await hob.cli('logs', 'nope')).toMatchObject({ code: 1, stderr: expect.stringContaining('(NotFound)') });
  hob.backend.put(container('new', { phase: 'Pending' }));
  expect(await hob.cli('logs', 'new')).toMatchObject({ code: 1, stderr: expect.stringContaining('Pending') });
  expect(await hob.cli('logs', 'web', '--tail=some')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--tail'),
  });
  expect((await hob.cli('logs')).stderr).toContain('name of a container is missing');
});

it('logs -f goes on until the instance has ended and all was shown', async () => {
  writeFileSync(path, [1, 2].map(line).join(''));
  const command = follow('--tail=1');
  await eventually(() => expect(command.stdout()).toBe('line 2\n'));
  appendFileSync(path, line(3));
  await eventually(() => expect(command.stdout()).toBe('line 2\nline 3\n'));
  hob.backend.put(container('web', ended));
  appendFileSync(path, line(4));
  expect(await command.done).toMatchObject({ code: 0, stdout: 'line 2\nline 3\nline 4\n' });
  expect(hob.backend.watchers()).toBe(0);
});

it('logs -f ends when the container is gone, and when hob is, which it tells', async () => {
  writeFileSync(path, line(1));
  const first = follow();
  await eventually(() => expect(first.stdout()).toBe('line 1\n'));
  hob.backend.drop('default', 'web');
  expect((await first.done).code).toBe(0);
  hob.backend.put(container('web', running));
  const second = follow();
  await eventually(() => expect(second.stdout()).toBe('line 1\n'));
  await hob.end();
  expect(await second.done).toMatchObject({
    code: 1,
    stdout: 'line 1\n',
    stderr: expect.stringContaining('hob went away'),
  });
});

it('a reader of a log that does not read costs no memory, and is forgotten when it goes', async () => {
  hob.backend.answers.log = { path, maxFiles: 3, live: true };
  writeFileSync(path, Array.from({ length: 200_000 }, (_, n) => line(n)).join(''));
  const before = process.memoryUsage().arrayBuffers;
  const stream = await connectTo(hob.socketPath).stream('GET', '/namespaces/default/containers/web/log?follow=1');
  await eventually(() => expect(hob.backend.watchers()).toBe(1));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 1024 * 1024);
  hob.backend.put(container('web', ended));
  stream.destroy();
  await eventually(() => expect(hob.backend.watchers()).toBe(0));
});

it('a slow reader gets all of an instance that has ended', async () => {
  hob.backend.answers.log = { path, maxFiles: 3, live: true };
  writeFileSync(path, Array.from({ length: 50_000 }, (_, n) => line(n)).join(''));
  const stream = await connectTo(hob.socketPath).stream('GET', '/namespaces/default/containers/web/log?follow=1');
  hob.backend.put(container('web', ended));
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  expect(text.split('\n')).toHaveLength(50_001);
});
