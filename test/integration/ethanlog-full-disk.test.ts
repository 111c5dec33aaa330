import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createRecordsFile } from '../../plugins/EthanLog/records-file.ts';
import { mount, unmount } from '../../src/host/libc.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hob-ethanlog-disk-'));
  mount({ target: dir, type: 'tmpfs', source: 'tmpfs', data: 'size=64k' });
});
afterEach(() => {
  vi.restoreAllMocks();
  unmount(dir);
  rmSync(dir, { recursive: true });
});

it('records that do not fit on the disk are dropped whole and told, and it is said in the log once', () => {
  const said = vi.spyOn(console, 'error').mockReturnValue();
  const path = join(dir, 'web.jsonl');
  const file = createRecordsFile(path);
  const write = (message: string): void => file.write([{ time: new Date(), name: 'web', message }]);
  const messages = (): string[] =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { message: string }).message);
  writeFileSync(join(dir, 'ballast'), Buffer.alloc(56 * 1024));
  for (let n = 0; n < 20; n++) write(`${n} ${'x'.repeat(1000)}`);
  const before = messages().length;
  expect(before).toBeLessThan(20);
  expect(said).toHaveBeenCalledTimes(1);
  rmSync(join(dir, 'ballast'));
  write('room again');
  expect(messages().slice(before)).toEqual([`${20 - before} records could not be written to ${path}`, 'room again']);
});
