import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  everyHookOnce,
  hooksBegun,
  keeperOf,
  putShellPlugin,
  untilCalled,
  untilHookEnded,
  untilHooksBegun,
} from '../support/faults.ts';
import { isAlive, killIfAlive } from '../support/processes.ts';
import { runsForever, testHob, untilTrue } from '../support/hob.ts';
import { cgroupsOf, processesOf, remainsOf } from '../support/remains.ts';

const hob = testHob();
beforeAll(() => hob.start());
afterAll(() => hob.dispose());

const gate = join(hob.dir, 'gate');
const names = ['always', 'on-failure', 'never', 'done', 'half-way'];

/** The container's shell, crun and hook, and what is in its cgroup. */
const allOf = (name: string): number[] => [
  ...processesOf(join(hob.dir, 'run/instances', name)),
  ...cgroupsOf(hob, name).flatMap((cgroup) => pidsIn(join(cgroup, 'cgroup.procs'))),
];

const pidsIn = (file: string): number[] => readFileSync(file, 'utf8').split('\n').filter(Boolean).map(Number);

/** What a restart of the host does, as far as hob can tell: no process is left, /run is empty, and the boot has another id. */
async function reboot(): Promise<void> {
  const victims = [keeperOf(hob), ...names.flatMap(allOf)];
  await hob.kill();
  victims.forEach(killIfAlive);
  for (const pid of victims) await untilTrue(`process ${pid} has ended`, () => !isAlive(pid));
  rmSync(join(hob.dir, 'run'), { recursive: true });
  using journal = new DatabaseSync(join(hob.dir, 'state/journal.db'));
  journal.exec(`UPDATE fact SET value = 'another boot' WHERE name = 'bootID'`);
}

it('after a restart of the host every instance gets its teardown hooks, and what is to run is started as if new', async () => {
  for (const name of names)
    putShellPlugin(hob, name, 31, name === 'half-way' ? `preStart) while [ ! -e ${gate} ]; do sleep 0.05; done;;` : '');
  const drop = (name: string, restartPolicy: string): void =>
    hob.drop(name, { command: runsForever, restartPolicy, plugins: [{ name }] });
  drop('always', 'Always');
  drop('on-failure', 'OnFailure');
  drop('never', 'Never');
  drop('done', 'Never');
  drop('half-way', 'Always');
  for (const name of names.slice(0, 4)) await untilHookEnded(hob, name, 'postStart');
  // Not before its postStart hook: what is over before that gets none.
  process.kill((await hob.untilPhase('done', 'Running')).status?.pid ?? 0, 'SIGTERM');
  await hob.untilPhase('done', 'Completed');
  await untilCalled(hob, 'half-way preStart begin 1');
  await reboot();

  writeFileSync(gate, '');
  await hob.start();
  const started = everyHookOnce.slice(0, 3);
  for (const name of ['always', 'on-failure']) {
    await hob.until(name, 'runs anew', (one) => one?.status?.phase === 'Running');
    await untilHooksBegun(hob, name, 8);
    expect(hooksBegun(hob, name)).toEqual([...everyHookOnce, ...started]);
    expect(hob.get(name)?.status).toMatchObject({ restartCount: 0 });
  }
  expect((await hob.untilPhase('never', 'Failed')).status?.lastTermination).toMatchObject({
    reason: 'ExitCodeUnknown',
  });
  expect(hooksBegun(hob, 'never')).toEqual(everyHookOnce);
  expect((await hob.untilPhase('done', 'Completed')).status).toMatchObject({ exitCode: 0 });
  expect(hooksBegun(hob, 'done')).toEqual(everyHookOnce);
  await hob.untilPhase('half-way', 'Running');
  const cutShort = ['postConstruction 1', 'preStart 1', 'postStop 1', 'preDestruction 1'];
  await untilHooksBegun(hob, 'half-way', 7);
  expect(hooksBegun(hob, 'half-way')).toEqual([...cutShort, ...started]);

  for (const name of names) hob.remove(name);
  for (const name of names) await hob.until(name, 'is gone', (one) => one === undefined);
  expect(names.flatMap((name) => remainsOf(hob, name))).toEqual([]);
  expect(existsSync(join(hob.dir, 'state/overlays/always'))).toBe(false);
}, 90_000);
