import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { runRecords } from '../../src/keeper/run-records.ts';
import { createCrunRuntime, type CrunRuntime } from '../../src/runtime/crun.ts';
import { keeperPid, killKeeper } from '../../src/runtime/keeper/process.ts';
import type { RuntimeParts } from '../../src/runtime/runtime-parts.ts';
import { holds, mutatedBytes, mutatedText, mutatedValue, patience, scratch } from '../support/fuzz.ts';
import { isAlive } from '../support/processes.ts';

let dir: string;
/** Somebody else's process, whose pid stands in the files. */
let innocent: ChildProcess;

beforeEach(() => {
  dir = scratch();
  innocent = bystander();
});

afterEach(() => {
  innocent.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
});

/** Ends with this process, however that ends. */
const bystander = (): ChildProcess => spawn('cat', { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
const pid = (): number => innocent.pid ?? 0;

/** Stands for its pid, so that the same seed gives the same cases. */
const stranger = 7_777_777;
const withPid = (content: string | Buffer): Buffer =>
  Buffer.from(content.toString('latin1').replaceAll(String(stranger), String(pid())), 'latin1');

function expectAlive(): void {
  const lives = isAlive(pid());
  if (!lives) innocent = bystander();
  ok(lives, 'a process of somebody else was ended');
}

/** A keeper that does all that it is asked to, and nothing. */
const idleKeeper: RuntimeParts['keeper'] = {
  start: async () => ({ pid: 4_194_304 }),
  run: async () => ({
    code: 0,
    signal: null,
    stdout: '',
    stderr: '',
    timedOut: false,
    truncated: false,
    durationMs: 1,
  }),
  attachLog: async () => undefined,
  drainLog: async () => undefined,
  release: async () => undefined,
  onLogEnded: () => () => undefined,
  onOutputLost: () => () => undefined,
};

/** A file's text, as it should be, with changes, or not there. */
const file = (text: string): fc.Arbitrary<string | Buffer | undefined> =>
  fc.oneof(
    { arbitrary: fc.constant(text), weight: 3 },
    { arbitrary: mutatedText(text), weight: 3 },
    { arbitrary: mutatedBytes(text), weight: 1 },
    {
      arbitrary: fc.constantFrom(undefined, '', '-1\n', '0', '1', '4294967297', '99999999999999999999', '1e3\n7\n'),
      weight: 2,
    },
  );

const json = (value: unknown): fc.Arbitrary<string | Buffer | undefined> =>
  fc.oneof(
    file(JSON.stringify(value)),
    mutatedValue(value).map((changed) => JSON.stringify(changed)),
  );

const key = 'web.abcdef01-1';

/** What an earlier hob left, by the path in the run directory. */
const left: fc.Arbitrary<Record<string, string | Buffer | undefined>> = fc.record({
  'instances/web/instance.json': json({
    instanceID: 'abcdef01-1',
    log: { path: '/nowhere/x.log', maxSizeBytes: 1000, maxFiles: 2 },
    cgroupsPath: '/hob-fuzz/web',
  }),
  [`signals/${key}.shell`]: fc.oneof(file(`${stranger}\n`), file(`${stranger}\n0\n`)),
  [`signals/${key}.created`]: file(`${JSON.stringify({ ociVersion: '1.0', id: 'web', pid: stranger })}\n`),
  [`signals/${key}.pid`]: file(String(stranger)),
  'crun/web/status': json({ pid: stranger, 'process-start-time': 12_345, 'cgroup-path': '/hob-fuzz/web' }),
});

/** Whether hob takes the runtime's word that the container runs, it is not this process. */
async function expectUntouched(runtime: CrunRuntime): Promise<void> {
  for (const { id } of await runtime.list()) {
    const seen = await runtime.observe(id, 'abcdef01-1');
    ok(seen.kind !== 'running', 'a process of somebody else is taken for the container');
    if (seen.kind === 'exited') ok(seen.exit.code === undefined || (seen.exit.code >= 0 && seen.exit.code <= 255));
    strictEqual(await runtime.kill(id, 'abcdef01-1', 'SIGKILL'), false);
    await runtime.discard(id, '');
  }
  deepStrictEqual(await runtime.list(), []);
  expectAlive();
}

describe('what an earlier hob left in its run directory, with changes', () => {
  it(
    'is taken up without a throw, and no process of somebody else for the container',
    () => {
      const log = { warn: () => undefined };
      return holds(left, 60, async (files) => {
        for (const [path, content] of Object.entries(files)) {
          mkdirSync(join(dir, path, '..'), { recursive: true });
          if (content !== undefined) writeFileSync(join(dir, path), withPid(content));
        }
        const runtime = await createCrunRuntime({
          runDir: dir,
          keeper: idleKeeper,
          log,
          cgroupParent: '/hob-fuzz',
          crunPath: '/bin/true',
        });
        try {
          await expectUntouched({
            ...runtime,
            discard: (id, instanceID) => discardAsCrunWould(runtime, id, instanceID),
          });
        } finally {
          runtime.close();
          for (const name of ['instances', 'signals', 'crun'])
            rmSync(join(dir, name), { recursive: true, force: true });
        }
      });
    },
    patience,
  );

  /** crun deletes its state, which the idle keeper does not. */
  async function discardAsCrunWould(runtime: CrunRuntime, id: string, instanceID: string): Promise<void> {
    await runtime.discard(id, instanceID);
    rmSync(join(dir, 'crun', id), { recursive: true, force: true });
  }

  it(
    'names things that can be anything',
    () =>
      holds(mutatedText('web', 'team_web.front', key), 30, async (name) => {
        const safe = Buffer.from(name.replaceAll(/[/\0]/g, '_')).subarray(0, 200).toString();
        if (['', '.', '..'].includes(safe)) return;
        mkdirSync(join(dir, 'instances', safe), { recursive: true });
        mkdirSync(join(dir, 'signals'), { recursive: true });
        const record = {
          instanceID: 'abcdef01-1',
          log: { path: '/x', maxSizeBytes: 1, maxFiles: 1 },
          cgroupsPath: '/x',
        };
        writeFileSync(join(dir, 'instances', safe, 'instance.json'), JSON.stringify(record));
        writeFileSync(join(dir, 'signals', `${safe}.pid`), String(pid()));
        const runtime = await createCrunRuntime({
          runDir: dir,
          keeper: idleKeeper,
          log: { warn: () => undefined },
          cgroupParent: '/hob-fuzz',
        });
        await expectUntouched(runtime);
        runtime.close();
        rmSync(join(dir, 'instances'), { recursive: true });
      }),
    patience,
  );
});

describe('what a keeper left in its run directory, with changes', () => {
  it(
    'is no reason to kill a process that is none of its own',
    () =>
      holds(
        fc.tuple(file(`${stranger}\n`), mutatedText(`${stranger}.12345`, `${stranger}.`, `${stranger}`)),
        100,
        ([pidFile, run]) => {
          if (pidFile !== undefined) writeFileSync(join(dir, 'keeper.pid'), withPid(pidFile));
          strictEqual(killKeeper(dir, keeperPid(dir)), false);
          const records = join(dir, 'keeper.runs');
          mkdirSync(records, { recursive: true });
          const name = Buffer.from(run.replaceAll(String(stranger), String(pid())).replaceAll(/[/\0]/g, '_'))
            .subarray(0, 200)
            .toString();
          if (!['', '.', '..'].includes(name)) writeFileSync(join(records, name), '');
          runRecords(records).endLeft();
          ok(!existsSync(join(records, name)) || ['', '.', '..'].includes(name));
          expectAlive();
          rmSync(join(dir, 'keeper.pid'), { force: true });
        },
      ),
    patience,
  );
});
