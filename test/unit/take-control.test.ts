import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Control } from '../../src/daemon/control.ts';
import { beginHob, type Hob } from '../walk/stand-in/hob.ts';
import { createWorld } from '../walk/stand-in/world.ts';

const patienceMs = 30_000;
let folder: string;
let hob: Hob;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  folder = mkdtempSync(join(tmpdir(), 'hob-control-'));
});
afterEach(() => {
  vi.useRealTimers();
  hob.close();
  rmSync(folder, { recursive: true });
});

/** A source that says nothing. */
const control = (): Promise<Control> =>
  new Promise((resolve) => {
    const places = { state: folder, run: join(folder, 'run') };
    hob = beginHob({ world: createWorld(), places, sources: ['silent'], latency: () => 0, onBegun: resolve });
  });
const whyUnavailable = ({ store }: Control): string | undefined => store.sources()[0]?.unavailable;

it('a source that says nothing is waited for half a minute', async () => {
  const silent = await control();
  vi.advanceTimersByTime(patienceMs - 1);
  expect(whyUnavailable(silent)).toBeUndefined();
  vi.advanceTimersByTime(1);
  expect(whyUnavailable(silent)).toContain('could not be read within 30 s');
});

it('once hob has stopped, nothing is waited for any more', async () => {
  const silent = await control();
  await silent.stop();
  vi.advanceTimersByTime(patienceMs);
  expect(whyUnavailable(silent)).toBeUndefined();
  expect(vi.getTimerCount()).toBe(0);
});
