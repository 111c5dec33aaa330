import { closeSync, existsSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openLogs } from '../../plugins/EthanLog/logs.ts';
import { readSettings } from '../../plugins/EthanLog/settings.ts';

/** Whether another version of the plugin, in a thread of its own, holds the lock of every pipe. */
const other = vi.hoisted(() => ({ reads: true, asked: 0 }));
vi.mock(import('../../plugins/EthanLog/libc.ts'), async (original) => {
  const libc = await original();
  const tryLock = (fd: number): boolean => {
    other.asked += 1;
    return !other.reads && libc.tryLock(fd);
  };
  return { ...libc, tryLock };
});

let stateDir: string;
beforeEach(() => void (stateDir = mkdtempSync(join(tmpdir(), 'hob-ethanlog-'))));
afterEach(() => rmSync(stateDir, { recursive: true }));

it('a pipe that another version of the plugin took before us has one reader, and is ours when that one lets go', async () => {
  const nothing = (): undefined => undefined;
  const logs = openLogs({
    stateDir,
    nodeName: 'here',
    cgroupVersion: 2,
    cgroupMountPath: nothing,
    cgroupPath: nothing,
  });
  const writer = logs.begin('web', readSettings('web', undefined));
  writeSync(writer, '\x1e\x1fMhello\x1e');
  const records = join(stateDir, 'records/web.jsonl');
  await vi.waitFor(() => expect(other.asked).toBeGreaterThan(2), { timeout: 60_000 });
  expect(existsSync(records)).toBe(false);
  other.reads = false;
  await vi.waitFor(() => expect(existsSync(records)).toBe(true), { timeout: 60_000 });
  logs.end('web');
  closeSync(writer);
});
