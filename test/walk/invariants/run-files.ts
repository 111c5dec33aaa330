import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readOr } from '../../support/cgroups.ts';
import { initsOf, parseKey, runningInstance } from './sight.ts';
import type { Sight } from './sight.ts';

/** What may be in hob's run directory at any time. */
const known =
  /^(crun|instances|signals|seccomp|compile-cache|journal|hob\.lock|hob\.sock|keeper\.(sock|pid|log|runs|lock))$/;
const knownOfInstance =
  /^(config\.json|instance\.json|limits\.json|crun-status|crun\.log|verdict|stdout|stderr|(stdout|stderr)\.unwritten)$/;

/**
 * crun's list, bundles, FIFOs, signal files and records of runs: there for what is desired, and for nothing else. crun has no list but the
 * folders of its root, which `crun list` reads as this does, at the price of a process.
 */
export function runFileFaults(sight: Sight): string[] {
  const { runDir } = sight.world;
  return [
    ...namesIn(runDir).flatMap((name) =>
      known.test(name) ? [] : [`something unknown is in the run directory: ${name}`],
    ),
    ...folderFaults(sight, 'crun', 'a container of crun'),
    ...folderFaults(sight, 'instances', 'a bundle'),
    ...[...sight.alive.keys()].flatMap((id) => [...stateFaults(sight, id), ...bundleFaults(sight, id)]),
    ...namesIn(join(runDir, 'signals')).flatMap((name) => signalFaults(sight, name)),
    ...namesIn(join(runDir, 'seccomp')).flatMap((name) =>
      /^[0-9a-f]+$/.test(name) ? [] : [`a temporary file is left: run/seccomp/${name}`],
    ),
    ...namesIn(join(runDir, 'keeper.runs')).map(
      (name) => `a run is recorded that is none any more: keeper.runs/${name}`,
    ),
  ];
}

function folderFaults({ world, alive }: Sight, folder: string, what: string): string[] {
  const names = namesIn(join(world.runDir, folder));
  return [
    ...names.filter((id) => !alive.has(id)).map((id) => `${id}: ${what} is left: run/${folder}/${id}`),
    ...[...alive.keys()]
      .filter((id) => !names.includes(id))
      .map((id) => `${id}: ${what} is missing: run/${folder}/${id}`),
  ];
}

function stateFaults(sight: Sight, id: string): string[] {
  const status = readOr('', join(sight.world.runDir, 'crun', id, 'status'));
  const pid = Number(/"pid": *(\d+)/.exec(status)?.[1]);
  const [init] = initsOf(sight, id);
  return !init || pid === init.pid ? [] : [`${id}: crun's list has pid ${pid}, and its init is ${init.pid}`];
}

function bundleFaults(sight: Sight, id: string): string[] {
  const { hasFiles = true } = sight.alive.get(id) ?? {};
  const bundle = join(sight.world.runDir, 'instances', id);
  if (!existsSync(bundle)) return [];
  const instanceID = /"instanceID":"([^"]*)"/.exec(readOr('', join(bundle, 'instance.json')))?.[1];
  const running = runningInstance(sight, id);
  const isFifo = (name: string): boolean => lstatSync(join(bundle, name), { throwIfNoEntry: false })?.isFIFO() ?? false;
  return [
    ...namesIn(bundle).flatMap((name) =>
      knownOfInstance.test(name) ? [] : [`${id}: an unknown file is in its bundle: ${name}`],
    ),
    ...['stdout', 'stderr'].flatMap((name) =>
      isFifo(name) || !hasFiles ? [] : [`${id}: its FIFO ${name} is missing`],
    ),
    ...(instanceID === running ? [] : [`${id}: its bundle is of instance ${instanceID}, and ${running} runs`]),
  ];
}

function signalFaults(sight: Sight, name: string): string[] {
  const [, key = '', kind = ''] = /^(.*)\.(created|pid|shell)$/.exec(name) ?? [];
  const { id, instanceID } = parseKey(key);
  if (!sight.alive.has(id) || instanceID !== runningInstance(sight, id))
    return [`${id || 'nobody'}: a signal file is left: run/signals/${name}`];
  const lines = readOr('', join(sight.world.runDir, 'signals', name))
    .trim()
    .split('\n');
  return kind === 'shell' && lines.length > 1 ? [`${id}: runs, and its exit file has a code: ${lines[1]}`] : [];
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
