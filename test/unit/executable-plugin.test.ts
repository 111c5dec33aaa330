import { expect, it, vi } from 'vitest';
import { loadExecutable } from '../../src/hooks/executable-plugin.ts';
import type { ProcessResult, RunProcess } from '../../src/hooks/run-process.ts';

const described: ProcessResult = {
  code: 0,
  signal: null,
  stdout: '{"name": "greeter", "hookHints": 1}',
  stderr: '',
  timedOut: false,
  truncated: false,
};
const lost = Object.assign(new Error('the keeper has ended'), { code: 'KEEPER_LOST' });

const load = (run: RunProcess) =>
  loadExecutable({
    path: '/plugins/greeter',
    stateDir: '/state/greeter',
    surroundings: { nodeName: 'node', cgroupVersion: 2, cgroupParent: '/hob', cgroupPaths: () => ({}) } as never,
    passedOn: [],
    version: '1',
    run,
    log: { info: () => undefined, warn: () => undefined } as never,
    loadLimitMs: 1000,
  });

it('an executable that the keeper died over is asked again what it is', async () => {
  const run = vi.fn<RunProcess>().mockRejectedValueOnce(lost).mockResolvedValue(described);
  expect(await load(run)).toMatchObject({ name: 'greeter' });
  expect(run).toHaveBeenCalledTimes(2);
});

it('an executable over which every keeper dies is broken in the end', async () => {
  const run = vi.fn<RunProcess>().mockRejectedValue(lost);
  await expect(load(run)).rejects.toThrow(/could not be started: the keeper has ended/);
  expect(run).toHaveBeenCalledTimes(3);
});
