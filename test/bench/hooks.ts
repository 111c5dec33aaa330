import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type HookPointRequest, runHookPoint } from '../../src/hooks/dispatcher.ts';
import { loadExecutable } from '../../src/hooks/executable-plugin.ts';
import { HintFlags } from '../../src/hooks/hint-flags.ts';
import type { HookJournal } from '../../src/hooks/hook-call.ts';
import { inProcessPlugin } from '../../src/hooks/testing/in-process.ts';
import type { HookPoint } from '../../src/hooks/plugin.ts';
import type { RegisteredPlugin } from '../../src/hooks/registered-plugin.ts';
import type { ProcessRequest, RunProcess } from '../../src/hooks/run-process.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { connectKeeper } from '../../src/runtime/keeper-client.ts';
import { pluginBench, surroundings, use } from '../support/plugins.ts';
import { difference, timeRow } from './figures.ts';

/**
 * What hob's way of calling hooks costs beside the hooks themselves: hooks that do nothing, each for a container of its own. What is
 * compared is measured in turns.
 */

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const noJournal: HookJournal = { beginHook: () => 1, endHook: () => undefined, hookCalls: () => [] };
const never = new AbortController().signal;
const rounds = 400;
let containers = 0;

/** One hook point of a new container with this one plugin; in milliseconds. */
async function timed(plugin: RegisteredPlugin, point: HookPoint, journal: HookJournal): Promise<number> {
  const request = requestFor(plugin, point, journal);
  const begun = performance.now();
  const { ok, failures } = await runHookPoint(request);
  const took = performance.now() - begun;
  if (!ok) throw new Error(`the benchmark's own hook failed: ${failures[0]?.message}`);
  return took;
}

function requestFor(plugin: RegisteredPlugin, point: HookPoint, journal: HookJournal): HookPointRequest {
  const id = `bench-${(containers += 1)}`;
  return {
    point,
    container: { id, instanceID: `${id}-1`, pid: process.pid, rootfsPath: '/rootfs/' },
    plugins: [use(plugin.name)],
    registry: { pin: () => undefined, find: () => ({ plugin }), release: () => undefined, whyMissing: () => '' },
    journal,
    log: quiet,
    signal: never,
    onEvent: () => undefined,
  };
}

/** So many rounds of each in turn, after a tenth of them to warm up. */
async function inTurns(count: number, ...works: (() => Promise<number>)[]): Promise<number[][]> {
  for (let round = 0; round < count / 10; round++) for (const work of works) await work();
  const samples = works.map((): number[] => []);
  for (let round = 0; round < count; round++)
    for (const [index, work] of works.entries()) samples[index]?.push(await work());
  return samples;
}

/** Too short for the clock: many at a time. */
async function reportNoBit(plugin: RegisteredPlugin, journal: HookJournal): Promise<void> {
  const request = requestFor(plugin, 'postStart', journal);
  const times = 1000;
  const [sample = []] = await inTurns(rounds, async () => {
    const begun = performance.now();
    for (let i = 0; i < times; i++) await runHookPoint(request);
    return (performance.now() - begun) / times;
  });
  timeRow('a hook point where no plugin has the bit', sample);
}

async function reportHook(what: string, plugin: RegisteredPlugin, journal: HookJournal): Promise<void> {
  const [bare = [], journaled = [], first = []] = await inTurns(
    rounds,
    () => timed(plugin, 'preStart', noJournal),
    () => timed(plugin, 'preStart', journal),
    () => timed(plugin, 'postConstruction', journal),
  );
  timeRow(`${what}, without a journal`, bare);
  timeRow(`${what}, with the journal on disk`, journaled);
  timeRow('  the same at postConstruction', first);
}

/** An executable plugin, and the request that its last call made to the keeper. */
interface BenchExecutable {
  readonly plugin: RegisteredPlugin;
  readonly request: () => ProcessRequest;
}

/** @param path a program that ends well, whatever it is asked */
async function loadedExecutable(path: string, run: RunProcess): Promise<BenchExecutable> {
  let request: ProcessRequest | undefined;
  const identity = JSON.stringify({ name: 'bench', hookHints: HintFlags.PreStartSync });
  const described = { code: 0, signal: null, stdout: identity, stderr: '', timedOut: false, truncated: false };
  const plugin = await loadExecutable({
    path,
    stateDir: '/',
    surroundings,
    passedOn: [],
    version: '',
    log: quiet,
    loadLimitMs: 1000,
    run: async (asked, signal) => (asked.argv[1] === 'describe' ? described : run((request = asked), signal)),
  });
  return {
    plugin,
    request: () => {
      if (request) return request;
      throw new Error(`${path} was not called yet`);
    },
  };
}

async function reportExecutable(what: string, path: string, run: RunProcess, journal: HookJournal): Promise<void> {
  const { plugin, request } = await loadedExecutable(path, run);
  const [hook = [], spawn = []] = await inTurns(
    rounds,
    () => timed(plugin, 'preStart', journal),
    async () => {
      const begun = performance.now();
      await run(request(), never);
      return performance.now() - begun;
    },
  );
  timeRow(what, hook);
  timeRow('  its bare spawn by the same keeper', spawn);
  difference('  hook - spawn', hook, spawn);
}

const noop = { postConstruction: () => true, preStart: () => true };
const noopHints = HintFlags.PostConstructionSync | HintFlags.PreStartSync;

/** The hooks' part of the benchmarks. */
export async function benchHooks(): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'hob-bench-hooks-'));
  const journal = openJournal({ path: join(dir, 'journal.db'), copiesDir: join(dir, 'run'), log: quiet });
  const keeper = await connectKeeper({ runDir: join(dir, 'run'), log: quiet });
  const plugins = pluginBench();
  const run: RunProcess = (request, signal) => keeper.run(request, signal);
  console.log(`\nhooks that do nothing; ${rounds} of each, in turns; times in microseconds`);
  console.log(
    'in this process: what dispatch and journal cost every hook; hob itself runs none there, only hob/testing does\n',
  );

  const within = inProcessPlugin({ name: 'within', hookHints: noopHints, ...noop }, () => undefined);
  await reportNoBit(within, journal);
  await reportHook('a hook in this process', within, journal);
  plugins.write(
    'thread.mjs',
    `export default { name: 'thread', hookHints: ${noopHints}, postConstruction: () => true, preStart: () => true };`,
  );
  await plugins.registry.start();
  const thread = plugins.registry.get('thread');
  if (!thread) throw new Error(`the benchmark's own plugin is not ready: ${plugins.registry.list()[0]?.reason}`);
  await reportHook('a hook in a thread', thread, journal);
  await reportExecutable('a hook that is a shell script', putScript(dir), run, journal);
  await reportExecutable('a hook that is a static program', putStatic(dir), run, journal);

  await plugins.dispose();
  await keeper.retire();
  journal.close();
  rmSync(dir, { recursive: true });
}

function putScript(dir: string): string {
  const path = join(dir, 'script');
  writeFileSync(path, '#!/bin/sh\nexit 0\n');
  chmodSync(path, 0o755);
  return path;
}

/** busybox does what it is called. */
function putStatic(dir: string): string {
  const path = join(dir, 'true');
  symlinkSync('/bin/busybox', path);
  return path;
}
