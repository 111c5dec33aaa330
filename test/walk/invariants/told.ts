import type { Container, ContainerStatus } from '../../../src/api/container.ts';
import type { SourceInfo } from '../../../src/api/wire.ts';
import type { World } from '../world.ts';
import { countFault } from './expected.ts';
import type { Expected } from './expected.ts';

const phases: Readonly<Record<Expected['state'], readonly string[]>> = {
  running: ['Running'],
  paused: ['Paused'],
  ended: ['Completed', 'Failed', 'Stopped', 'Backoff'],
  absent: [],
};

/** The one check that asks hob: that it says of its containers what is the case, has seen the present specs, and nothing else. @throws Error when it does not answer */
export async function toldFaults(world: World, expected: readonly Expected[]): Promise<string[]> {
  const { items: sources } = (await world.api('/sources')) as { items: SourceInfo[] };
  const { items } = (await world.api('/containers')) as { items: Container[] };
  const names = new Set(expected.flatMap(({ name, state }) => (state === 'absent' ? [] : name)));
  return [
    ...sources.flatMap(({ name, synced }) => (synced ? [] : [`hob has not read ${name} yet`])),
    ...items.flatMap(({ metadata: { name } }) => (names.has(name) ? [] : [`${name}: hob still tells of it`])),
    ...expected.flatMap((each) => (names.has(each.name) ? oneFaults(each, items) : [])),
  ];
}

function oneFaults(expected: Expected, items: readonly Container[]): string[] {
  const container = items.find(({ metadata }) => metadata.name === expected.name);
  if (!container?.status) return [`${expected.name}: hob tells nothing of it`];
  const { status, metadata } = container;
  return statusFaults(expected, status, metadata.generation).map((fault) => `${expected.name}: hob tells of ${fault}`);
}

function statusFaults({ state, told = {} }: Expected, status: ContainerStatus, generation?: number): string[] {
  const { phase = '', observedGeneration, restartCount = 0 } = status;
  const wanted = told.phase === undefined ? phases[state] : [told.phase];
  const exitCode = lastExitCode(status);
  const isSeen = observedGeneration === generation;
  const isRight = told.exitCode === undefined || told.exitCode === exitCode;
  return [
    ...(wanted.includes(phase) ? [] : [`the phase ${phase}, not ${wanted.join(' or ')}`]),
    ...(isSeen ? [] : [`generation ${observedGeneration ?? 'none'}, not ${generation}`]),
    ...(isRight ? [] : [`the exit code ${exitCode ?? 'none'}, not ${told.exitCode}`]),
    ...countFault('restarts', restartCount, told.restartCount),
  ];
}

const lastExitCode = ({ exitCode, lastTermination }: ContainerStatus): number | undefined =>
  exitCode ?? lastTermination?.exitCode;
