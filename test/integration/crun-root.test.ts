import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCrunRootWatch, type CrunRootWatch } from '../../src/runtime/follow/crun-root.ts';
import { followInstance } from '../../src/runtime/instance.ts';
import { crunRoot, instancePaths, instancesDirectory } from '../../src/runtime/instance/paths.ts';
import { processStat } from '../../src/runtime/instance/proc.ts';
import type { RuntimeParts } from '../../src/runtime/runtime-parts.ts';
import { testRuntime, type TestRuntime } from '../support/runtime.ts';
import { isAlive } from '../support/processes.ts';
import { until } from '../support/until.ts';

const none = { seen: () => true, tell: () => undefined, stranger: () => undefined };

describe('what crun keeps of a container that runs', () => {
  const pid = process.pid;
  const status = JSON.stringify({ pid });
  let runDir: string;
  let watch: CrunRootWatch;
  let told: string[];
  const keep = (text: string): void => {
    mkdirSync(join(crunRoot(runDir), 'web'), { recursive: true });
    writeFileSync(join(crunRoot(runDir), 'web/status'), text);
  };
  const lose = (): void => rmSync(join(crunRoot(runDir), 'web'), { recursive: true });
  const untilTold = () =>
    until('it is told', () => {
      watch.look();
      return told.length > 0;
    });

  beforeEach(() => {
    runDir = mkdtempSync(join(tmpdir(), 'hob-root-'));
    told = [];
    const paths = instancePaths(runDir, 'web', 'test-1');
    // Its init is this process: it lives.
    const instance = followInstance('web', paths, { instanceID: 'test-1', cgroupsPath: '/none' }, { begun: true });
    instance.init = { pid, startTime: processStat(pid)?.startTime ?? 0, pidfd: -1 };
    mkdirSync(paths.directory, { recursive: true });
    writeFileSync(paths.config, '{}');
    keep(status);
    const parts = { runDir, instances: new Map([['web', instance]]), warn: () => undefined };
    watch = createCrunRootWatch(parts as unknown as RuntimeParts, {
      ...none,
      tell: (_id, reason, message) => void told.push(`${reason}: ${message}`),
    });
  });
  afterEach(() => {
    watch.close();
    rmSync(runDir, { recursive: true });
  });

  it('is written again when it is deleted, however crun lays it out', async () => {
    watch.look();
    lose();
    await untilTold();
    expect(told).toEqual([expect.stringMatching(/^StateLost: .*hob wrote it again/)]);
  });

  it.each(['', '[', 'null', '[]', '"pid"', '{}', `{"pid":"${pid}"}`, `{"words":"\\"pid\\": ${pid},"}`])(
    'is not what another wrote there: %j',
    async (text) => {
      keep(text);
      watch.look();
      watch.look();
      lose();
      await untilTold();
      expect(told).toEqual([expect.stringMatching(/^StateLost: .*it runs on, but cannot be paused/)]);
    },
  );

  it('is written again at a later look when it cannot be at first, whole or not at all', async () => {
    watch.look();
    rmSync(instancePaths(runDir, 'web', 'test-1').config);
    lose();
    await untilTold();
    watch.look();
    expect(told).toEqual([expect.stringMatching(/^StateLost: .*cannot be written again yet/)]);
    expect(existsSync(join(crunRoot(runDir), 'web'))).toBe(false);
    writeFileSync(instancePaths(runDir, 'web', 'test-1').config, '{}');
    watch.look();
    expect(told).toHaveLength(2);
    expect(told[1]).toMatch(/hob wrote it again/);
    expect(readFileSync(join(crunRoot(runDir), 'web/status'), 'utf8')).toBe(status);
  });

  it.each([
    ['deleted', (root: string) => rmSync(root, { recursive: true })],
    ['moved away', (root: string) => renameSync(root, `${root}-of-before`)],
  ])("is looked after also when crun's whole directory was %s and made again between two looks", async (_, remove) => {
    watch.look();
    remove(crunRoot(runDir));
    keep(status);
    // What the kernel has to tell of the old one comes meanwhile.
    await delay(100);
    watch.look();
    lose();
    await untilTold();
  });
});

describe('what could not be removed when hob started', () => {
  let test: TestRuntime;
  beforeEach(async () => {
    test = await testRuntime();
  });
  afterEach(() => test.dispose());

  it.each(['with all its files', 'without its bundle'])('goes at a later look: %s', async (which) => {
    const launch = test.launch(['sleep', '1000']);
    const { pid } = await test.start(launch);
    if (which === 'without its bundle') test.forget(launch);
    const [crun, stuck] = [join(test.dir, 'stubborn-crun'), join(test.dir, 'stuck')];
    writeFileSync(stuck, '');
    writeFileSync(crun, `#!/bin/sh\n[ -e ${stuck} ] && exit 1\nexec crun "$@"\n`, { mode: 0o755 });
    await test.reborn({ crunPath: crun, checkUpEveryMs: 20 });
    await expect(test.runtime.discard(launch.id, '')).rejects.toThrow(/crun delete .* failed/);
    const strangers: string[] = [];
    test.runtime.tellDrift({ ...none, stranger: (id) => void strangers.push(id) });
    await until('it was tried again', () => test.warnings.some((words) => words.includes(`"${launch.id}"`)));
    rmSync(stuck);
    await until('it is removed', () => strangers.length > 0);
    expect([strangers, isAlive(pid)]).toEqual([[launch.id], false]);
    await test.nothingRemains();
    expect(test.warnings.filter((words) => words.includes('could not be removed'))).toHaveLength(1);
  });

  it('is nothing that hob itself begins meanwhile', async () => {
    await test.reborn({ checkUpEveryMs: 5 });
    const strangers: string[] = [];
    test.runtime.tellDrift({ ...none, stranger: (id) => void strangers.push(id) });
    const launches = Array.from({ length: 20 }, () => test.launch(['sleep', '1000']));
    const pids = await Promise.all(launches.map(async (launch) => (await test.start(launch)).pid));
    expect([strangers, pids.every(isAlive)]).toEqual([[], true]);
  });

  it('goes at a later look: a bundle alone', async () => {
    const bundle = join(instancesDirectory(test.runDir), 'stray');
    mkdirSync(bundle);
    await test.reborn({ checkUpEveryMs: 20 });
    const strangers: string[] = [];
    test.runtime.tellDrift({ ...none, stranger: (id) => void strangers.push(id) });
    await until('it is removed', () => strangers.includes('stray'));
    expect(existsSync(bundle)).toBe(false);
  });
});
