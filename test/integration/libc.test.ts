import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bootID } from '../../src/host/boot.ts';
import { isLiving } from '../../src/runtime/instance/init.ts';
import { processStat } from '../../src/runtime/instance/proc.ts';
import {
  duplicateFd,
  isCloseOnExec,
  mkfifo,
  mount,
  openPidfd,
  signalPidfd,
  tryLock,
  unmount,
  waitStatusOfPidfd,
} from '../../src/host/libc.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-libc-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('makes a FIFO with the mode asked for, and says EEXIST with the path when there is something', () => {
  const path = join(dir, 'fïfo');
  mkfifo(path, 0o600);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(() => mkfifo(path, 0o600)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
  expect(() => mkfifo(path, 0o600)).toThrow(`mkfifo ${path}: file already exists (EEXIST)`);
});

it('mounts and unmounts, and detaches what is busy', () => {
  const data = 'size=1m,mode=700';
  mount({ source: 'none', target: dir, type: 'tmpfs', data });
  writeFileSync(join(dir, 'inside'), '');
  const busy = openSync(join(dir, 'inside'), 'r');
  expect(() => unmount(dir)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
  unmount(dir, { detach: true });
  expect(readdirSync(dir)).toEqual([]);
  closeSync(busy);
  expect(() => unmount(dir)).toThrow(`umount ${dir}: invalid argument (EINVAL)`);
  expect(() => mount({ target: join(dir, 'nowhere'), type: 'tmpfs' })).toThrow(
    `mount tmpfs at ${join(dir, 'nowhere')}: no such file`,
  );
});

it('takes a lock once, and again when the last descriptor with it is closed', () => {
  const file = join(dir, 'lock');
  const [first, second] = [openSync(file, 'w'), openSync(file, 'w')];
  expect(tryLock(first)).toBe(true);
  const copy = duplicateFd(first);
  closeSync(first);
  expect(tryLock(second)).toBe(false);
  closeSync(copy);
  expect(tryLock(second)).toBe(true);
  closeSync(second);
  expect(() => tryLock(second)).toThrow(expect.objectContaining({ code: 'EBADF' }));
});

it('copies a descriptor to one that children do not get', () => {
  const copy = duplicateFd(0);
  expect(copy).toBeGreaterThanOrEqual(3);
  expect(isCloseOnExec(copy)).toBe(true);
  closeSync(copy);
  expect(() => isCloseOnExec(copy)).toThrow('ENOENT');
});

const [major = 0, minor = 0] = release().split('.').map(Number);
const kernelKeepsStatus = major > 6 || (major === 6 && minor >= 15);

it.each([
  ['exit 0', { code: 0 }],
  ['exit 137', { code: 137 }],
  ['kill -KILL $$', { signal: 'SIGKILL' }],
  ['kill -TERM $$', { signal: 'SIGTERM' }],
])('tells from a pidfd how `%s` ended, and that it is gone', async (command, ended) => {
  const child = spawn('/bin/sh', ['-c', `read _; ${command}`]);
  const pidfd = openPidfd(child.pid ?? 0) ?? -1;
  expect(waitStatusOfPidfd(pidfd)).toBeUndefined();
  expect(signalPidfd(pidfd, 0)).toBe(true);
  child.stdin.end('\n');
  await once(child, 'exit');
  expect(waitStatusOfPidfd(pidfd)).toEqual(kernelKeepsStatus ? ended : undefined);
  expect(signalPidfd(pidfd, 0)).toBe(false);
  expect(openPidfd(child.pid ?? 0)).toBeUndefined();
  closeSync(pidfd);
});

it('finds no process behind a number that is none, though the kernel would: it looks at 32 bits', () => {
  for (const number of [2 ** 32 + process.pid, NaN, 1.5, -1, 0, 1e300]) expect(openPidfd(number)).toBeUndefined();
});

it('sends a signal through a pidfd', async () => {
  const child = spawn('sleep', ['60']);
  const pidfd = openPidfd(child.pid ?? 0) ?? -1;
  signalPidfd(pidfd, constants.signals.SIGTERM);
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  closeSync(pidfd);
});

it('knows a process by its start time, and a zombie for dead', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 60']);
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const zombie = Number(line.toString());
  const init = { pid: zombie, startTime: processStat(zombie)?.startTime ?? 0 };
  while (isLiving(init)) await new Promise(setImmediate);
  expect(processStat(zombie)?.startTime).toBe(init.startTime);
  expect(isLiving({ pid: process.pid, startTime: processStat(process.pid)?.startTime ?? 0 })).toBe(true);
  expect(isLiving({ ...init, pid: process.pid })).toBe(false);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  expect(processStat(parent.pid ?? 0)).toBeUndefined();
});

it('knows the boot by a UUID', () => {
  expect(bootID()).toMatch(/^[0-9a-f-]{36}$/);
});
