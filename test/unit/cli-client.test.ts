import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { connectTo } from '../../src/cli/client.ts';

const dir = mkdtempSync(join(tmpdir(), 'hob-client-'));
const path = join(dir, 'hob.sock');
const callers: Socket[] = [];
const server = createServer((socket) => void callers.push(socket));

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await new Promise<void>((resolve) => void server.listen(path, resolve));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  server.close();
  rmSync(dir, { recursive: true });
});

it('a hob that takes the call and does not answer is told of, once', async () => {
  const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  const asked = connectTo(path).json('GET', '/nothing');
  const failed = expect(asked).rejects.toThrow(/does not answer/);
  await expect.poll(() => callers).toHaveLength(1);
  expect(stderr).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(stderr.mock.calls).toEqual([[expect.stringContaining(`has not answered at ${path}`)]]);
  callers[0]?.destroy();
  await failed;
});
