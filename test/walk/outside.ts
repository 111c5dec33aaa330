import { spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { MS, mount, unmount } from '../../src/host/libc.ts';
import { keeperFiles } from '../../src/keeper/protocol.ts';
import { crunRoot, instancesDirectory, keptCrunStatus, signalsDirectory } from '../../src/runtime/instance/paths.ts';
import { parentsIn } from '../support/cgroups.ts';
import { helpersOf, initsOf, look } from './invariants/sight.ts';
import type { HelperKind } from './invariants/sight.ts';
import type { World } from './world.ts';

/** What people, other programs and the host do behind hob's back. Each can be done again where hob died over it. */

export function killInit(world: World, name: string): void {
  for (const { pid } of initsOf(look(world, []), name)) process.kill(pid, 'SIGKILL');
}

export async function killBoth(world: World): Promise<void> {
  await world.kill();
  signalKeeper(world, 'SIGKILL');
}

export const signalKeeper = (world: World, signal: NodeJS.Signals): void => signalHelpers(world, 'keeper', signal);

export function signalHelpers(world: World, kind: HelperKind, signal: NodeJS.Signals, name?: string): void {
  for (const { pid } of helpersOf(look(world, []), kind, name)) process.kill(pid, signal);
}

/**
 * The journal, what modules said of themselves, and what crun compiled. With the journal go the hook calls, so that one that is under way
 * would be called again as if for the first time.
 */
export async function killAndForget(world: World): Promise<void> {
  await untilAllRun(world);
  await world.kill();
  const { stateDir, runDir } = world;
  const learnt = globSync(['journal.db*', 'plugins/*/.identity.json'], { cwd: stateDir });
  for (const path of [join(runDir, 'seccomp'), ...learnt.map((name) => join(stateDir, name))])
    rmSync(path, { recursive: true, force: true });
}

/** By the copies of the journal: all that there is to do of a start is done, and noted. */
async function untilAllRun(world: World): Promise<void> {
  const { runDir } = world;
  const states = (): string[] =>
    globSync('journal/*/containers/*.json', { cwd: runDir }).map((path) => readFileSync(join(runDir, path), 'utf8'));
  while (world.death === undefined && !states().every((text) => text.includes('"state":"alive.running"')))
    await delay(20);
}

/** A damaged journal, drafts that a death left, a mode that somebody changed, a keeper's log that has grown. */
export async function killAndMessUp(world: World): Promise<void> {
  await untilAllRun(world);
  await killBoth(world);
  const { stateDir, runDir } = world;
  for (const path of globSync('journal.db*', { cwd: stateDir })) writeFileSync(join(stateDir, path), 'no database');
  for (const directory of [join(stateDir, 'applied'), join(runDir, 'seccomp')])
    mkdirSync(directory, { recursive: true });
  writeFileSync(join(stateDir, 'applied', 'one.yaml.1.tmp'), 'half of ');
  writeFileSync(join(runDir, 'seccomp', 'one.new'), 'half of ');
  chmodSync(join(stateDir, 'overlays'), 0o755);
  appendFileSync(join(runDir, keeperFiles.log), 'a line of a keeper\n'.repeat(5_000));
}

export async function killAndDeleteBundle(world: World, name: string): Promise<void> {
  await world.kill();
  rmSync(join(instancesDirectory(world.runDir), name), { recursive: true, force: true });
}

/** Until hob has looked at a container that runs, which it does every two seconds, and keeps what crun wrote of it. */
export async function untilNoticed(world: World, name: string): Promise<void> {
  while (!existsSync(join(instancesDirectory(world.runDir), name, keptCrunStatus))) {
    if (world.death) throw new Error('hob died before');
    await delay(100);
  }
}

/** Not before hob has noticed it: there would be nothing that it could write again. */
export async function deleteCrunState(world: World, name: string): Promise<void> {
  const { runDir } = world;
  await untilNoticed(world, name);
  rmSync(join(crunRoot(runDir), name), { recursive: true, force: true });
}

/** More events than are kept. */
export async function killAndFillEvents(world: World): Promise<void> {
  await world.kill();
  const db = new DatabaseSync(join(world.stateDir, 'journal.db'));
  db.exec(`
    WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < 10000)
    INSERT INTO event (type, reason, message, kind, namespace, name, count, first_seen, last_seen)
    SELECT 'Normal', 'Told', 'number ' || n, 'Hob', '', 'hob', 1, '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'
    FROM counted`);
  db.close();
}

/** From <sys/mount.h>. */
const MS_REMOUNT = 32n;

/** Nothing can be written to the state directory any more. */
export async function killAndWriteProtect(world: World): Promise<void> {
  await world.kill();
  const { stateDir: target } = world;
  mount({ source: target, target, flags: MS.BIND });
  mount({ target, flags: MS.BIND | MS_REMOUNT | MS.RDONLY });
}

export async function killAndGiveBack(world: World): Promise<void> {
  await world.kill();
  try {
    unmount(world.stateDir, { detach: true });
  } catch {
    // It was given back before a death.
  }
}

/** A bundle that was never finished, a file of it that came late, and a process in its cgroup. */
export async function killAndLeaveStranger(world: World, name: string): Promise<void> {
  await world.kill();
  const id = `${name}-strange`;
  mkdirSync(join(instancesDirectory(world.runDir), id), { recursive: true });
  writeFileSync(join(signalsDirectory(world.runDir), `${id}.5e0fb8d2-1.pid`), '1');
  const cgroups = parentsIn(world.cgroupParent).flatMap(({ path, isCgroup }) => (isCgroup ? join(path, id) : []));
  for (const path of cgroups) mkdirSync(path, { recursive: true });
  const { pid } = spawn('/bin/sleep', ['600'], { stdio: 'ignore' });
  writeFileSync(join(cgroups[0] ?? '', 'cgroup.procs'), String(pid));
}

/** `hob down`, and the end of hob. */
export async function tearDown(world: World): Promise<void> {
  await world.down();
  await world.ended();
}
