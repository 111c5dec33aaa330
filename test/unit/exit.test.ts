import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir, uptime } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exitOf } from '../../src/runtime/instance/exit.ts';
import { instancePaths, signalKinds } from '../../src/runtime/instance/paths.ts';
import { followInstance } from '../../src/runtime/instance.ts';

let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), 'hob-exit-'));
  for (const name of ['signals', 'crun', 'instances']) mkdirSync(join(runDir, name));
});
afterEach(() => rmSync(runDir, { recursive: true }));

const ended = new Date('2026-01-02T03:04:05.678Z');
/** No process has it: the kernel gives none beyond. */
const deadPid = 2 ** 22;

interface Left {
  /** What the shell wrote after its pid. */
  readonly shell: string;
  /** crun's state is still there: it was killed. */
  readonly state?: boolean;
  /** When its init began, in hundredths of a second since the host's boot; 0 when nobody could look before it was gone. */
  readonly startTime?: number;
}

function exitFrom({ shell, state = false, startTime }: Left, wasOomKilled = (): boolean => false) {
  const paths = instancePaths(runDir, 'web', 'i-1');
  const record = { instanceID: 'i-1', cgroupsPath: '/hob/web', log: { path: '/x', maxSizeBytes: 1, maxFiles: 1 } };
  writeFileSync(paths.signals.shell, `${deadPid}\n${shell}`);
  utimesSync(paths.signals.shell, ended, ended);
  writeFileSync(paths.signals.pid, String(deadPid));
  if (state) mkdirSync(paths.crunState);
  const instance = followInstance('web', paths, record, { begun: false });
  signalKinds.forEach(instance.read);
  instance.suspected = true;
  if (startTime !== undefined) instance.init = { pid: deadPid, startTime };
  return exitOf(instance, wasOomKilled);
}

it.each([
  ['0\n', { code: 0 }],
  ['128\n', { code: 128 }],
  ['137\n', { code: 137, signal: 'SIGKILL' }],
  ['143\n', { code: 143, signal: 'SIGTERM' }],
  ['255\n', { code: 255 }],
])('takes what crun exited with, %j, for %j, and the time of it', (shell, exit) => {
  expect(exitFrom({ shell })).toEqual({ ...exit, oomKilled: false, finishedAt: ended.toISOString() });
});

it('does not take the code of a crun that was killed for that of the container', () => {
  const exit = exitFrom({ shell: '137\n', state: true });
  expect(exit).toEqual({
    oomKilled: false,
    finishedAt: expect.any(String) as string,
    unknown: expect.stringContaining('crun') as string,
  });
  expect(exit?.finishedAt).not.toBe(ended.toISOString());
});

it('takes the code of a crun that only failed to clean up', () => {
  expect(exitFrom({ shell: '3\n', state: true })).toMatchObject({ code: 3 });
});

it.each(['', '1', '13'])('says that nobody knows, when the shell said no more than %j', (shell) => {
  expect(exitFrom({ shell })).toMatchObject({ unknown: expect.stringContaining('killed') as string });
});

it('asks whether memory was lacking only after a kill, and for the very process', () => {
  const asked: unknown[] = [];
  const yes = (...question: unknown[]): boolean => asked.push(question) > 0;
  expect(exitFrom({ shell: '3\n' }, yes)).toMatchObject({ oomKilled: false });
  expect(asked).toEqual([]);
  expect(exitFrom({ shell: '137\n' }, yes)).toMatchObject({ oomKilled: true });
  expect(asked).toEqual([['/hob/web', deadPid]]);
});

it('says how long it can have run at most, by a clock that nobody sets', () => {
  const startTime = Math.floor(uptime() * 100) - 500;
  const { ranAtMostMs } = exitFrom({ shell: '3\n', startTime }) ?? {};
  expect(ranAtMostMs).toBeGreaterThanOrEqual(5_000);
  expect(ranAtMostMs).toBeLessThanOrEqual(Math.ceil(uptime() * 1000) - startTime * 10);
});

it('does not say it where nobody knows when it began', () => {
  expect(exitFrom({ shell: '3\n', startTime: 0 })).not.toHaveProperty('ranAtMostMs');
});
