import { constants, mkdtempSync, openSync, closeSync, readFile, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { watchFileAccess } from '../../src/daemon/file-access.ts';
import { mkfifo } from '../../src/host/libc.ts';

it('tells when no thread for file access is left, who may have taken them, and when there is one again', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'hob-file-access-'));
  const said: string[] = [];
  const events = { stuck: Promise.withResolvers<void>(), free: Promise.withResolvers<void>() };
  const hob = (_: string, reason: string, message: string): void => {
    said.push(`${reason}: ${message}`);
    if (reason === 'FileAccessStuck') events.stuck.resolve();
    else events.free.resolve();
  };
  mkfifo(join(dir, 'fifo'), 0o600);
  // The opening of a FIFO for reading waits for somebody who writes.
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
  for (let thread = 0; thread < threads; thread++) readFile(join(dir, 'fifo'), () => undefined);
  const unwatch = watchFileAccess({ hob }, () => ['greedy'], 20);
  const ticking = setInterval(() => undefined, 1000);
  await events.stuck.promise;
  expect(said).toEqual([expect.stringMatching(/^FileAccessStuck: .*in this process: greedy/)]);
  // Whoever opens it for both lets them all go on; its end is the end of file.
  const writer = openSync(join(dir, 'fifo'), constants.O_RDWR);
  setTimeout(() => closeSync(writer), 100);
  await events.free.promise;
  expect(said[1]).toMatch(/^FileAccessWorks/);
  unwatch();
  clearInterval(ticking);
  rmSync(dir, { recursive: true });
});
