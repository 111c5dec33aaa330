import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { addToEpoll, createEpoll, EPOLL, openPidfd, readyInEpoll } from '../../src/host/libc.ts';

const open: number[] = [];
afterEach(() => open.splice(0).forEach((fd) => closeSync(fd)));

async function sleeper(): Promise<{ pidfd: number; end: () => Promise<void> }> {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('spawn', resolve));
  const pidfd = openPidfd(child.pid ?? 0) ?? -1;
  const ended = new Promise<void>((resolve) => child.on('exit', () => resolve()));
  return {
    pidfd,
    end: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

it('one question tells which of many processes have ended, until their descriptors are closed', async () => {
  const epoll = createEpoll();
  open.push(epoll);
  const all = await Promise.all([sleeper(), sleeper(), sleeper()]);
  for (const { pidfd } of all) addToEpoll(epoll, pidfd, EPOLL.IN);
  expect(readyInEpoll(epoll)).toEqual([]);
  const [first, second, third] = all;
  await second?.end();
  expect([readyInEpoll(epoll), readyInEpoll(epoll)]).toEqual([[second?.pidfd], [second?.pidfd]]);
  closeSync(second?.pidfd ?? -1);
  expect(readyInEpoll(epoll)).toEqual([]);
  for (const one of [first, third]) {
    await one?.end();
    closeSync(one?.pidfd ?? -1);
  }
});
