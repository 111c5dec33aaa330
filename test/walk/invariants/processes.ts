import { readOr } from '../../support/cgroups.ts';
import type { Process } from '../../support/processes.ts';
import type { Expected } from './expected.ts';
import { helpersOf, initsOf } from './sight.ts';
import type { Helper, HelperKind, Sight } from './sight.ts';

/** Desired containers run exactly once, with the desired spec; what is not desired does not; nobody is left who helped. */
export function processFaults(sight: Sight): string[] {
  return [
    ...daemonFaults(sight),
    ...[...sight.alive.values()].flatMap((container) => aliveFaults(sight, container)),
    ...strayMembers(sight),
    ...strayHelpers(sight),
  ];
}

function daemonFaults(sight: Sight): string[] {
  const [hobs, keepers] = [helpersOf(sight, 'hob'), helpersOf(sight, 'keeper')];
  const isUp = sight.world.death === undefined && sight.world.pid > 0;
  const wanted = isUp || sight.alive.size > 0 ? 'one' : 'one at most';
  const isRight = keepers.length === 1 || (keepers.length === 0 && wanted !== 'one');
  return [
    ...(hobs.length > 1 ? [`there are several hobs: ${pidsOf(hobs)}`] : []),
    ...(isRight ? [] : [`there must be ${wanted} keeper, and there are ${keepers.length}: ${pidsOf(keepers)}`]),
  ];
}

function aliveFaults(sight: Sight, container: Expected): string[] {
  const { name } = container;
  const inits = initsOf(sight, name);
  const exactlyOne = (kind: HelperKind): string[] => {
    const found = helpersOf(sight, kind, name);
    return found.length === 1 ? [] : [`${name}: must have one ${kind}, and has ${found.length}: ${pidsOf(found)}`];
  };
  const [init] = inits;
  if (!init || inits.length > 1) return [`${name}: must have one init, and has ${inits.length}: ${pidsOf(inits)}`];
  return [
    ...exactlyOne('shell'),
    ...exactlyOne('crun run'),
    ...familyFaults(sight, name, init),
    ...environmentFaults(sight, container, init),
  ];
}

/** Each is the child of the next: init, crun, the shell around it. */
function familyFaults(sight: Sight, name: string, { pid, parent }: Process): string[] {
  const [[crun], [shell]] = [helpersOf(sight, 'crun run', name), helpersOf(sight, 'shell', name)];
  if (!crun || !shell) return [];
  const isOfCrun = parent === crun.pid;
  const isOfShell = Number(/^PPid:\s*(\d+)$/m.exec(readOr('', `/proc/${crun.pid}/status`))?.[1]) === shell.pid;
  return [
    ...(isOfCrun ? [] : [`${name}: its init ${pid} is the child of ${parent}, not of its crun ${crun.pid}`]),
    ...(isOfShell ? [] : [`${name}: its crun ${crun.pid} is not the child of its shell ${shell.pid}`]),
  ];
}

function environmentFaults(sight: Sight, { name, marker }: Expected, { pid }: Process): string[] {
  const environment = readOr('', `/proc/${pid}/environ`).split('\0');
  const valueOf = (variable: string): string | undefined =>
    environment.find((line) => line.startsWith(`${variable}=`))?.slice(variable.length + 1);
  const [shell] = helpersOf(sight, 'shell', name);
  const [running, instance] = [valueOf('MARKER'), valueOf('INSTANCE')];
  return [
    ...(marker === undefined || running === marker
      ? []
      : [`${name}: init ${pid} runs the spec ${running}, desired is ${marker}`]),
    ...(instance === undefined || !shell || instance === shell.instanceID
      ? []
      : [`${name}: init ${pid} is of instance ${instance}, and the shell around it of ${shell.instanceID}`]),
  ];
}

function strayMembers({ members, alive }: Sight): string[] {
  return [...members].flatMap(([id, processes]) =>
    processes.flatMap(({ pid, isInContainer }) => {
      if (!alive.has(id)) return [`${id}: must not run, and process ${pid} is in its cgroup (${commandOf(pid)})`];
      return isInContainer ? [] : [`${id}: process ${pid} of the host is in its cgroup (${commandOf(pid)})`];
    }),
  );
}

/** Shells and cruns of containers that are to run are looked at there; all others should have ended. */
function strayHelpers({ helpers, alive }: Sight): string[] {
  const mayBe = ({ kind, id = '' }: Helper): boolean =>
    kind === 'hob' || kind === 'keeper' || ((kind === 'shell' || kind === 'crun run') && alive.has(id));
  return helpers.flatMap((helper) =>
    mayBe(helper)
      ? []
      : [`${helper.id ?? 'the world'}: a ${helper.kind} is left: ${helper.pid} (${helper.args.join(' ')})`],
  );
}

const pidsOf = (processes: readonly { readonly pid: number }[]): string =>
  processes.length === 0 ? 'none' : processes.map(({ pid }) => pid).join(', ');

const commandOf = (pid: number): string => readOr('', `/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim() || 'gone';
