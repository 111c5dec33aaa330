import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { foldersIn } from '../../support/cgroups.ts';
import { isAlive } from './expected.ts';
import { runningInstance } from './sight.ts';
import type { Sight } from './sight.ts';

/** The present instance's log, and the one's before. */
const mostLogs = 2;

/** In the state directory nothing is left of an instance that is over, nor of a container that is forgotten; nor a file that was to be renamed. */
export function stateFileFaults(sight: Sight): string[] {
  const { stateDir } = sight.world;
  const folders = ['.', 'applied', 'logs', 'overlays', 'plugins'];
  return [
    ...folders.flatMap((folder) => temporaryFiles(stateDir, folder)),
    ...foldersIn(join(stateDir, 'overlays')).flatMap((id) => overlayFaults(sight, id)),
    ...foldersIn(join(stateDir, 'logs')).flatMap((id) => logFaults(sight, id)),
    ...foldersIn(join(stateDir, 'plugins')).flatMap((plugin) => pluginFaults(sight, plugin)),
  ];
}

const temporaryFiles = (stateDir: string, folder: string): string[] =>
  namesIn(join(stateDir, folder)).flatMap((name) =>
    /\.(new|tmp)$/.test(name) ? [`a temporary file is left: ${join('state', folder, name)}`] : [],
  );

function overlayFaults(sight: Sight, id: string): string[] {
  const running = sight.alive.has(id) ? runningInstance(sight, id) : undefined;
  const instances = namesIn(join(sight.world.stateDir, 'overlays', id));
  const left = instances.filter((instance) => instance !== running);
  if (instances.length === 0) return [`${id}: an empty folder is left: state/overlays/${id}`];
  return left.map((instance) => `${id}: what an instance wrote is left: state/overlays/${id}/${instance}`);
}

function logFaults({ expected, world }: Sight, id: string): string[] {
  const names = namesIn(join(world.stateDir, 'logs', id));
  if (!expected.some(({ name, state }) => name === id && state !== 'absent'))
    return [`${id}: is forgotten, and its logs are left: state/logs/${id} (${names.join(', ')})`];
  const instances = new Set(names.map((name) => name.replace(/\.log.*$/, '')));
  return instances.size <= mostLogs ? [] : [`${id}: too many logs are kept: ${[...instances].join(', ')}`];
}

/** Metadata goes with the instance, records with the container. */
function pluginFaults({ expected, world }: Sight, plugin: string): string[] {
  const stateOf = (id: string): string => {
    const container = expected.find(({ name }) => name === id);
    return container ? (isAlive(container) ? 'alive' : container.state) : 'absent';
  };
  const folder = join(world.stateDir, 'plugins', plugin);
  const idOf = (name: string): string | undefined => /^([a-z0-9-]+)\.(?:json|jsonl|jsonl\.1)$/.exec(name)?.[1];
  const isStray = (name: string, ...states: string[]): boolean => !states.includes(stateOf(idOf(name) ?? ''));
  return [
    ...namesIn(join(folder, 'metadata'))
      .filter((name) => isStray(name, 'alive'))
      .map(
        (name) =>
          `${idOf(name) ?? 'nobody'}: what a plugin remembered is left: state/plugins/${plugin}/metadata/${name}`,
      ),
    ...namesIn(join(folder, 'records'))
      .filter((name) => isStray(name, 'alive', 'ended'))
      .map((name) => `${idOf(name) ?? 'nobody'}: a plugin's records are left: state/plugins/${plugin}/records/${name}`),
  ];
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
